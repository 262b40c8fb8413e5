import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { SignedXml } from 'xml-crypto'
import { certificatePem } from '../../src/keys/certificate.ts'
import { activateKey, stageKey } from '../../src/keys/key-life.ts'
import { buildResponse } from '../../src/saml/assertion.ts'
import { signQuery } from '../../src/saml/redirect-binding.ts'
import { algorithms } from '../../src/saml/uris.ts'
import { SignatureAlgorithms, verifyWith } from '../../src/saml/verification-algorithms.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  elements,
  makeSigningKey,
  opensslMissing,
  parse,
  responseContent,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'

const key = makeSigningKey('ec-p256')

describe('an EC P-256 key for SAML (XML Signature 1.1, 6.4.3)', () => {
  it('has a certificate that OpenSSL verifies with ecdsa-with-SHA256', {
    skip: opensslMissing,
  }, () => {
    const certificate = new X509Certificate(certificatePem(key.certificate!))
    assert.ok(certificate.verify(key.publicKey))
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  })

  it('signs Response and Assertion so that xmlsec1 verifies both, many times over', {
    skip: xmlsecMissing,
  }, async () => {
    // r and s have leading zeros now and then: those must not be left out.
    for (let round = 0; round < 5; round++) {
      const xml = await buildResponse(responseContent(), { key, signAssertion: true })
      assert.match(xml, /SignatureMethod Algorithm="[^"]*#ecdsa-sha256"/)
      for (const name of ['Response', 'Assertion']) {
        const id = elements(parse(xml), name)[0]!.getAttribute('ID')!
        xmlsecVerify(xml, key.certificate!, name, id)
      }
    }
  })

  it('signs so that xml-crypto verifies it, with an algorithm for ECDSA', async () => {
    const xml = await buildResponse(responseContent(), { key, signAssertion: false })
    const signed = new SignedXml({
      publicCert: key.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    })
    const Ecdsa = SignatureAlgorithms[algorithms.ecdsaSha256]!
    signed.SignatureAlgorithms = {
      [algorithms.ecdsaSha256]: class extends Ecdsa {
        override verifySignature(material: string, _pem: unknown, value: string) {
          return super.verifySignature(material, key.publicKey, value)
        }
      },
    } as never
    signed.loadSignature(elements(parse(xml), 'Signature')[0] as never)
    assert.ok(signed.checkSignature(xml))
  })

  it('signs the octets of HTTP-Redirect', async () => {
    const query = await signQuery(['SAMLResponse=x'], key)
    const [octets = '', signature = ''] = query.split('&Signature=')
    assert.match(octets, /SigAlg=.*ecdsa-sha256$/)
    const value = Buffer.from(decodeURIComponent(signature), 'base64')
    assert.ok(verifyWith(algorithms.ecdsaSha256, Buffer.from(octets), key.publicKey, value))
  })
})

describe('a change from RSA to EC', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  it('publishes both keys, and the metadata verifies throughout', {
    skip: xmlsecMissing,
  }, async () => {
    const rsa = app.context.keys.active('saml')
    const by = 'niki'
    const metadata = async () => (await fetch(`${app.baseUrl}/saml/metadata`)).text()
    const verifies = async (certificate: string) => {
      const xml = await metadata()
      xmlsecVerify(
        xml,
        certificate,
        'EntityDescriptor',
        parse(xml).documentElement.getAttribute('ID')!,
      )
      assert.equal(elements(parse(xml), 'KeyDescriptor').length, 2)
    }
    const { kid } = await stageKey(app.context, { use: 'saml', type: 'ec-p256', by })
    await verifies(rsa.certificate!)
    await activateKey(app.context, kid, { by })
    assert.equal(app.context.keys.active('saml').type, 'ec-p256')
    // The metadata goes on with the key its readers have fixed.
    await verifies(rsa.certificate!)
  })
})
