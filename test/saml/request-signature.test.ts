import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { readRedirectRequest } from '../../src/saml/redirect-binding.ts'
import { acceptAuthnRequest } from '../../src/saml/sign-on.ts'
import { algorithms, namespaces } from '../../src/saml/uris.ts'
import {
  authnRequest,
  makeKey,
  makeServiceProvider,
  metadataKeyOf,
  now,
  redirectQuery,
  signMessage,
  ssoUrl,
} from './saml-support.ts'

const spKey = makeKey()
const newKey = makeKey()
const foreignKey = makeKey()
const sp = makeServiceProvider({
  authnRequestsSigned: true,
  signingKeys: [spKey.metadataKey, newKey.metadataKey],
})
const optional = makeServiceProvider({ signingKeys: [spKey.metadataKey] })
const invalid = { code: 'SAML_SIGNATURE_INVALID' }

const options = { destination: ssoUrl, now, clockSkewMs: 180_000 }

const acceptRedirect = (query: string, service = sp) =>
  acceptAuthnRequest(readRedirectRequest(query), {
    ...options,
    binding: 'HTTP-Redirect',
    find: async () => service,
  })

const acceptPost = (xml: string, service = sp) =>
  acceptAuthnRequest({ xml }, { ...options, binding: 'HTTP-POST', find: async () => service })

describe('signed AuthnRequest by HTTP-Redirect (Bindings 3.4.4.1)', () => {
  it('is accepted with any signing key of the metadata, with and without RelayState', async () => {
    for (const { privateKey } of [spKey, newKey]) {
      for (const relayState of [undefined, '', 'ss:mem:Ω/+=']) {
        await acceptRedirect(redirectQuery(authnRequest(), { key: privateKey, relayState }))
      }
    }
  })

  for (const [algorithm, digest] of [
    [algorithms.rsaSha256, 'sha256'],
    [algorithms.rsaSha384, 'sha384'],
    [algorithms.rsaSha512, 'sha512'],
  ] as const) {
    it(`is accepted with ${algorithm.split('#')[1]}`, async () => {
      await acceptRedirect(
        redirectQuery(authnRequest(), { key: spKey.privateKey, algorithm, digest }),
      )
    })
  }

  it('is accepted with ECDSA, r and s side by side or in DER', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const service = makeServiceProvider({ signingKeys: [metadataKeyOf(pair.publicKey)] })
    for (const dsaEncoding of ['ieee-p1363', 'der'] as const) {
      const query = `${redirectQuery(authnRequest())}&SigAlg=${encodeURIComponent(algorithms.ecdsaSha256)}`
      const value = sign('sha256', Buffer.from(query), { key: pair.privateKey, dsaEncoding })
      await acceptRedirect(
        `${query}&Signature=${encodeURIComponent(value.toString('base64'))}`,
        service,
      )
    }
  })

  it('is refused with SHA-1, whatever the service signs with', async () => {
    const query = redirectQuery(authnRequest(), {
      key: spKey.privateKey,
      algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
      digest: 'sha1',
    })
    await assert.rejects(acceptRedirect(query), invalid)
  })

  it('is refused with a key that is not in the metadata', async () => {
    const query = redirectQuery(authnRequest(), { key: foreignKey.privateKey })
    await assert.rejects(acceptRedirect(query), invalid)
  })

  it('is refused when the RelayState was changed, added or taken away', async () => {
    const query = redirectQuery(authnRequest(), { key: spKey.privateKey, relayState: 'a' })
    await assert.rejects(acceptRedirect(query.replace('RelayState=a', 'RelayState=b')), invalid)
    await assert.rejects(acceptRedirect(query.replace('&RelayState=a', '')), invalid)
    const without = redirectQuery(authnRequest(), { key: spKey.privateKey })
    await assert.rejects(acceptRedirect(`${without}&RelayState=a`), invalid)
  })

  it('is refused when the signature was taken off, if the metadata says requests are signed', async () => {
    await assert.rejects(acceptRedirect(redirectQuery(authnRequest())), {
      code: 'SAML_SIGNATURE_REQUIRED',
    })
  })

  it('is refused with a wrong signature even if none is asked for', async () => {
    const query = redirectQuery(authnRequest(), { key: foreignKey.privateKey })
    await assert.rejects(acceptRedirect(query, optional), invalid)
    await acceptRedirect(redirectQuery(authnRequest()), optional)
  })

  it('is refused without Destination: it could have been signed for another provider', async () => {
    const query = redirectQuery(authnRequest({ Destination: undefined }), { key: spKey.privateKey })
    await assert.rejects(acceptRedirect(query), { code: 'SAML_DESTINATION_MISMATCH' })
  })
})

describe('signed AuthnRequest by HTTP-POST (Core 5.4)', () => {
  it('is accepted with any signing key of the metadata', async () => {
    for (const key of [spKey, newKey]) await acceptPost(signMessage(authnRequest(), key))
  })

  it('is refused when a character was changed', async () => {
    const xml = signMessage(authnRequest({ ForceAuthn: 'true' }), spKey)
    await assert.rejects(acceptPost(xml.replace('ForceAuthn="true"', 'ForceAuthn="fals"')), {
      code: 'SAML_MESSAGE_INVALID',
    })
    await assert.rejects(
      acceptPost(xml.replace('ForceAuthn="true"', 'ForceAuthn="false"')),
      invalid,
    )
  })

  it('is refused with a key that is not in the metadata, though KeyInfo carries its certificate', async () => {
    await assert.rejects(acceptPost(signMessage(authnRequest(), foreignKey)), invalid)
    await assert.rejects(acceptPost(signMessage(authnRequest(), foreignKey), optional), invalid)
  })

  it('does not care what certificate KeyInfo carries when the registered key verifies', async () => {
    const { certificate } = foreignKey
    await acceptPost(signMessage(authnRequest(), spKey, { certificate }))
  })

  it('is refused with SHA-1 as signature or digest', async () => {
    const signatureAlgorithm = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'
    await assert.rejects(
      acceptPost(signMessage(authnRequest(), spKey, { signatureAlgorithm })),
      invalid,
    )
    const digestAlgorithm = algorithms.sha1
    await assert.rejects(
      acceptPost(signMessage(authnRequest(), spKey, { digestAlgorithm })),
      invalid,
    )
  })

  for (const [what, transforms] of [
    ['no enveloped-signature transform', [algorithms.exclusiveC14n]],
    [
      'inclusive canonicalization',
      [algorithms.envelopedSignature, 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'],
    ],
    [
      'canonicalization with comments',
      [algorithms.envelopedSignature, `${algorithms.exclusiveC14n}WithComments`],
    ],
    [
      'a third transform',
      [algorithms.envelopedSignature, algorithms.exclusiveC14n, algorithms.exclusiveC14n],
    ],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      const xml = signMessage(authnRequest(), spKey, { transforms: [...transforms] })
      await assert.rejects(acceptPost(xml), invalid)
    })
  }

  it('is refused with an empty Reference URI', async () => {
    await assert.rejects(
      acceptPost(signMessage(authnRequest(), spKey, { isEmptyUri: true })),
      invalid,
    )
  })

  it('is refused with a second signature', async () => {
    const xml = signMessage(authnRequest(), spKey)
    const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(xml)![0]
    await assert.rejects(acceptPost(xml.replace(signature, signature + signature)), {
      code: /SAML_(SIGNATURE|MESSAGE)_INVALID/,
    })
    const other = signature.replaceAll('ds:', 'd2:').replace('xmlns:ds', 'xmlns:d2')
    await assert.rejects(
      acceptPost(
        xml.replace(
          '<samlp:NameIDPolicy',
          `<samlp:Extensions>${other}</samlp:Extensions><samlp:NameIDPolicy`,
        ),
      ),
      invalid,
    )
  })

  it('is refused with a second Reference, a second SignedInfo or an Object', async () => {
    const xml = signMessage(authnRequest(), spKey)
    const reference = /<ds:Reference.*<\/ds:Reference>/s.exec(xml)![0]
    await assert.rejects(acceptPost(xml.replace(reference, reference + reference)), invalid)
    const signedInfo = /<ds:SignedInfo.*<\/ds:SignedInfo>/s.exec(xml)![0]
    await assert.rejects(acceptPost(xml.replace(signedInfo, signedInfo + signedInfo)), invalid)
    await assert.rejects(
      acceptPost(xml.replace('</ds:Signature>', '<ds:Object/></ds:Signature>')),
      invalid,
    )
  })

  it('is refused without Destination', async () => {
    const xml = signMessage(authnRequest({ Destination: undefined }), spKey)
    await assert.rejects(acceptPost(xml), { code: 'SAML_DESTINATION_MISMATCH' })
  })

  it('is refused unsigned when the metadata says requests are signed, and taken when it does not', async () => {
    await assert.rejects(acceptPost(authnRequest()), { code: 'SAML_SIGNATURE_REQUIRED' })
    await acceptPost(authnRequest(), optional)
  })
})

describe('signature wrapping', () => {
  const signed = signMessage(authnRequest(), spKey)
  const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(signed)![0]
  const original = signed.replace(signature, '')
  const evil = (id: string, inside: string) =>
    `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}" ID="${id}" Version="2.0" IssueInstant="${now.toISOString()}" Destination="${ssoUrl}" AssertionConsumerServiceIndex="2"><saml:Issuer>https://sp.example.gr/saml</saml:Issuer>${inside}</samlp:AuthnRequest>`

  for (const [what, xml] of [
    [
      'the signed request inside Extensions of another',
      evil('_evil', `${signature}<samlp:Extensions>${original}</samlp:Extensions>`),
    ],
    [
      'the signed request inside the signature of another',
      evil(
        '_evil',
        signature.replace('</ds:Signature>', `<ds:Object>${original}</ds:Object></ds:Signature>`),
      ),
    ],
    [
      'the whole signed request inside another',
      evil('_evil', `<samlp:Extensions>${signed}</samlp:Extensions>`),
    ],
    [
      'a copy under the same ID',
      evil('_request1', `${signature}<samlp:Extensions>${original}</samlp:Extensions>`),
    ],
    ['the signature moved to other content', evil('_request1', signature)],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(acceptPost(xml), { code: /SAML_(SIGNATURE|MESSAGE)_INVALID/ })
      await assert.rejects(acceptPost(xml, optional), { code: /SAML_(SIGNATURE|MESSAGE)_INVALID/ })
    })
  }

  it('uses the text that was signed: a comment in the Issuer does not cut it', async () => {
    const xml = signed.replace('https://sp.example.gr/saml<', 'https://sp.example.gr/<!-- -->saml<')
    const { request } = await acceptPost(xml)
    assert.equal(request.issuer, 'https://sp.example.gr/saml')
  })
})
