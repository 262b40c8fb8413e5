import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseServiceProviderMetadata } from '../../src/federation/service-provider-metadata.ts'
import { selfSignedCertificate } from '../../src/keys/certificate.ts'
import { buildResponse } from '../../src/saml/assertion.ts'
import { assertionEncryption } from '../../src/saml/encryption.ts'
import { verifyQuerySignature } from '../../src/saml/request-signature.ts'
import { algorithms } from '../../src/saml/uris.ts'
import { makeSigningKey, now, responseContent, xmlsec, xmlsecMissing } from './saml-support.ts'

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/metadata/${name}`, import.meta.url), 'utf8')
const fixtureKey = (name: string) => createPrivateKey(fixture(`keys/${name}.key`))
const read = (xml: string) => parseServiceProviderMetadata(xml, 'test', now)

interface ServiceKey {
  readonly privateKey: KeyObject
  readonly certificate: string
}

/** A synthetic key pair of a service; the years count from 2026. */
function serviceKey(year: number, days = 365): ServiceKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const notBefore = new Date(Date.UTC(2026 + year, 0, 1))
  const certificate = selfSignedCertificate({ ...pair, commonName: 'sp', notBefore, days })
  return { privateKey: pair.privateKey, certificate }
}

function descriptor({ certificate }: ServiceKey, use?: 'signing' | 'encryption'): string {
  return `<md:KeyDescriptor${use ? ` use="${use}"` : ''}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
}

/** A service's own metadata with more keys before and after those it has. */
function serviceWith(
  file: string,
  { before = '', after = '' }: { before?: string; after?: string },
) {
  return read(
    fixture(file)
      .replace('<md:KeyDescriptor use="signing">', `${before}<md:KeyDescriptor use="signing">`)
      .replace(
        /(<md:KeyDescriptor use="encryption">[\s\S]*?<\/md:KeyDescriptor>)/,
        (own) => `${own}${after}`,
      ),
  )
}

const shibbolethWith = (keys: { before?: string; after?: string }) =>
  serviceWith('shibboleth.xml', keys)
const simpleSamlWith = (keys: { before?: string; after?: string }) =>
  serviceWith('simplesamlphp.xml', keys)

/** Whether a request that this key signed is taken. */
function takes(sp: ReturnType<typeof read>, key: KeyObject): boolean {
  const octets = Buffer.from('SAMLRequest=synthetic&SigAlg=rsa-sha256')
  const value = sign('sha256', octets, key)
  try {
    verifyQuerySignature({ algorithm: algorithms.rsaSha256, octets, value }, sp)
    return true
  } catch {
    return false
  }
}

const ourKey = makeSigningKey()

/** The assertion as xmlsec1 decrypts it under this key; it fails under another. */
async function decrypted(sp: ReturnType<typeof read>, key: KeyObject): Promise<string> {
  const encryption = assertionEncryption(sp)
  const response = await buildResponse(responseContent(), {
    key: ourKey,
    signAssertion: true,
    encryption,
  })
  const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string
  return xmlsec({ 'response.xml': response, 'key.pem': pem }, [
    '--decrypt',
    '--privkey-pem',
    '{key.pem}',
    '--node-xpath',
    "//*[local-name()='EncryptedData']",
    '{response.xml}',
  ])
}

describe('key rollover of a service: signing keys (fedinterop IIP-MD07, MD11)', () => {
  const next = serviceKey(0)

  it('takes requests by the old and the new key while both are published', () => {
    const sp = shibbolethWith({ before: descriptor(next, 'signing') })
    assert.ok(takes(sp, fixtureKey('shibboleth-signing')))
    assert.ok(takes(sp, next.privateKey))
  })

  it('refuses a key that is no longer published, and one for encryption only', () => {
    const sp = shibbolethWith({})
    assert.ok(!takes(sp, next.privateKey))
    assert.ok(!takes(sp, fixtureKey('shibboleth-encryption')))
  })

  it('takes a key without use for both, although its certificate expired long ago', () => {
    const expired = serviceKey(-10, 30)
    const sp = shibbolethWith({ before: descriptor(expired) })
    assert.ok(takes(sp, expired.privateKey))
    assert.equal(sp.encryptionKeys.length, 2)
    assert.ok(takes(read(fixture('old-keys.xml')), fixtureKey('expired')))
  })

  it('takes a key whose certificate is not valid yet', () => {
    const early = serviceKey(5)
    assert.ok(takes(shibbolethWith({ before: descriptor(early, 'signing') }), early.privateKey))
  })
})

describe('key rollover of a service: the encryption key', { skip: xmlsecMissing }, () => {
  const older = serviceKey(-9)
  const newer = serviceKey(9)

  it('is the one whose certificate is valid from the latest day, wherever it stands', async () => {
    for (const place of ['before', 'after'] as const) {
      const sp = simpleSamlWith({ [place]: descriptor(newer, 'encryption') })
      assert.match(await decrypted(sp, newer.privateKey), /<saml:Assertion/)
      await assert.rejects(decrypted(sp, fixtureKey('simplesamlphp')))
    }
  })

  it('stays the service’s own while an older one is still published', async () => {
    for (const place of ['before', 'after'] as const) {
      const sp = simpleSamlWith({ [place]: descriptor(older) })
      assert.match(await decrypted(sp, fixtureKey('simplesamlphp')), /<saml:Assertion/)
    }
  })

  it('is an expired one when there is no other', async () => {
    const sp = read(fixture('old-keys.xml'))
    assert.match(await decrypted(sp, fixtureKey('expired')), /<saml:Assertion/)
  })

  it('is the last in the document when a key comes without a certificate', () => {
    const { n, e } = serviceKey(0).privateKey.export({ format: 'jwk' })
    const [modulus, exponent] = [n!, e!].map((part) =>
      Buffer.from(part, 'base64url').toString('base64'),
    )
    const bare = `<md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>${modulus}</ds:Modulus><ds:Exponent>${exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo></md:KeyDescriptor>`
    const chosen = (sp: ReturnType<typeof read>) => assertionEncryption(sp)!.certificate
    assert.equal(chosen(simpleSamlWith({ after: bare })), undefined)
    const last = serviceKey(-9)
    const sp = simpleSamlWith({ after: bare + descriptor(last, 'encryption') })
    assert.equal(chosen(sp), last.certificate)
  })
})
