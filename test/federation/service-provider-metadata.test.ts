import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { IdpError } from '../../src/errors.ts'
import {
  parseServiceProviderMetadata,
  readServiceProviderMetadata,
} from '../../src/federation/service-provider-metadata.ts'
import { decodeXml } from '../../src/xml/safe-xml.ts'

const folder = new URL('../fixtures/metadata/', import.meta.url)
const now = new Date('2027-01-15T12:00:00Z')
const fixture = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const parse = (name: string) => parseServiceProviderMetadata(fixture(name), 'test', now)
const codesOf = (name: string) =>
  readServiceProviderMetadata(fixture(name), 'test', now).findings.map(({ code }) => code)

/** The public half of a fixture's private key, as PEM. */
const publicPem = (name: string) =>
  createPublicKey(createPrivateKey(fixture(`keys/${name}.key`)))
    .export({ type: 'spki', format: 'pem' })
    .toString()

const minimalWith = (change: (xml: string) => string) => change(fixture('minimal.xml'))
const entityAttribute = (name: string, value: string) => (xml: string) =>
  xml.replace(
    '<SPSSODescriptor',
    `<Extensions><EntityAttributes xmlns="urn:oasis:names:tc:SAML:metadata:attribute"><Attribute xmlns="urn:oasis:names:tc:SAML:2.0:assertion" Name="${name}"><AttributeValue> ${value} </AttributeValue></Attribute></EntityAttributes></Extensions><SPSSODescriptor`,
  )

describe('SP metadata: what a Shibboleth SP publishes', () => {
  const sp = parse('shibboleth.xml')

  it('gives entityID, flags and origin, and is pending until somebody approves', () => {
    assert.equal(sp.entityId, 'https://eclass.example.org/shibboleth')
    assert.equal(sp.state, 'pending')
    assert.equal(sp.origin, 'test')
    assert.equal(sp.authnRequestsSigned, true)
    assert.equal(sp.wantAssertionsSigned, true)
    assert.equal(sp.registrationAuthority, 'http://aai.grnet.gr/')
    assert.deepEqual(sp.overrides, {})
  })

  it('gives the SAML 2.0 endpoints in order, without those of SAML 1', () => {
    assert.deepEqual(
      sp.assertionConsumerServices.map(({ binding, index }) => [binding.split(':').at(-1), index]),
      [
        ['HTTP-POST', 1],
        ['HTTP-POST-SimpleSign', 2],
        ['PAOS', 4],
      ],
    )
    assert.deepEqual(sp.singleLogoutServices[1], {
      binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
      location: 'https://eclass.example.org/Shibboleth.sso/SLO/Redirect',
      responseLocation: 'https://eclass.example.org/Shibboleth.sso/SLO/Done',
    })
  })

  it('gives the keys by use, with what the service can decrypt', () => {
    assert.deepEqual(
      sp.signingKeys.map(({ publicKeyPem }) => publicKeyPem),
      [publicPem('shibboleth-signing')],
    )
    assert.equal(sp.encryptionKeys.length, 1)
    assert.equal(sp.encryptionKeys[0]?.publicKeyPem, publicPem('shibboleth-encryption'))
    assert.equal(
      sp.encryptionKeys[0]?.encryptionMethods[0],
      'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    )
    assert.deepEqual(sp.encryptionKeys[0]?.oaepDigests, ['http://www.w3.org/2001/04/xmlenc#sha256'])
  })

  it('gives names, addresses and logo in every language', () => {
    assert.deepEqual(sp.displayName, { el: 'Ηλεκτρονική Τάξη', en: 'eClass' })
    assert.equal(sp.privacyStatementUrl.el, 'https://eclass.example.org/privacy/el')
    assert.equal(sp.logoUrl, 'https://eclass.example.org/logo.png')
    assert.deepEqual(sp.contacts, [
      {
        type: 'technical',
        email: 'ops@eclass.example.org',
        givenName: 'Synthetic',
        surName: 'Operator',
      },
    ])
  })

  it('gives requested attributes, entity categories and the subject-id requirement', () => {
    assert.deepEqual(
      sp.attributeConsumingServices.map(({ index, isDefault }) => [index, isDefault]),
      [
        [1, false],
        [2, true],
      ],
    )
    assert.deepEqual(sp.attributeConsumingServices[0]?.requestedAttributes[0], {
      name: 'urn:oid:0.9.2342.19200300.100.1.3',
      friendlyName: 'mail',
      isRequired: true,
    })
    assert.deepEqual(sp.entityCategories, [
      'http://refeds.org/category/research-and-scholarship',
      'https://refeds.org/category/code-of-conduct/v2',
    ])
    assert.equal(sp.subjectIdRequirement, 'any')
  })

  it('has nothing to mend', () => assert.deepEqual(codesOf('shibboleth.xml'), []))
})

describe('SP metadata: other software', () => {
  it('reads SimpleSAMLphp', () => {
    const sp = parse('simplesamlphp.xml')
    assert.deepEqual(sp.nameIdFormats, ['urn:oasis:names:tc:SAML:2.0:nameid-format:transient'])
    assert.equal(sp.assertionConsumerServices[0]?.isDefault, true)
    assert.equal(sp.encryptionKeys[0]?.publicKeyPem, publicPem('simplesamlphp'))
    assert.deepEqual(sp.displayName, { en: 'Library (synthetic)' })
  })

  it('reads node-saml, on http://localhost without complaint', () => {
    const sp = parse('node-saml.xml')
    assert.equal(sp.entityId, 'http://localhost:4100/saml')
    assert.equal(sp.signingKeys[0]?.publicKeyPem, publicPem('node-saml'))
    assert.ok(!codesOf('node-saml.xml').includes('ENDPOINT_HTTP'))
  })

  it('reads the least that is allowed, and says what it lacks', () => {
    const sp = parse('minimal.xml')
    assert.deepEqual(sp.signingKeys, [])
    assert.equal(sp.validUntil, undefined)
    assert.deepEqual(codesOf('minimal.xml'), [
      'ENCRYPTION_KEY_MISSING',
      'SIGNING_KEY_MISSING',
      'DISPLAY_NAME_MISSING',
      'PRIVACY_STATEMENT_MISSING',
      'CONTACT_MISSING',
      'NO_REQUESTED_ATTRIBUTES',
    ])
  })

  it('reads a group that holds one service provider', () => {
    const entity = fixture('minimal.xml')
    const sp = parseServiceProviderMetadata(
      `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2027-02-01T00:00:00Z">${entity}</EntitiesDescriptor>`,
      'test',
      now,
    )
    assert.equal(sp.entityId, 'https://minimal.example.org/sp')
    assert.equal(sp.validUntil?.toISOString(), '2027-02-01T00:00:00.000Z')
  })
})

describe('SP metadata: keys (fedinterop IIP-MD07 to MD12)', () => {
  it('takes the key of an expired certificate signed with SHA-1, for both uses when use is missing', () => {
    const sp = parse('old-keys.xml')
    assert.equal(sp.signingKeys[0]?.publicKeyPem, publicPem('expired'))
    assert.equal(sp.encryptionKeys[0]?.publicKeyPem, publicPem('expired'))
    const codes = codesOf('old-keys.xml')
    assert.ok(codes.includes('CERTIFICATE_EXPIRED'))
    assert.ok(codes.includes('CERTIFICATE_SHA1'))
  })

  it('tells once what is odd about a certificate that stands there for each use', () => {
    const [descriptor = ''] =
      /<KeyDescriptor>.*?<\/KeyDescriptor>/s.exec(fixture('old-keys.xml')) ?? []
    const forUse = (use: string) =>
      descriptor.replace('KeyDescriptor>', `KeyDescriptor use="${use}">`)
    const xml = fixture('old-keys.xml').replace(
      descriptor,
      forUse('signing') + forUse('encryption'),
    )
    assert.notEqual(xml, fixture('old-keys.xml'))
    const { serviceProvider, findings } = readServiceProviderMetadata(xml, 'test', now)
    assert.equal(serviceProvider.signingKeys[0]?.publicKeyPem, publicPem('expired'))
    assert.equal(serviceProvider.encryptionKeys[0]?.publicKeyPem, publicPem('expired'))
    assert.equal(findings.filter(({ code }) => code === 'CERTIFICATE_EXPIRED').length, 1)
  })

  it('takes a bare RSA key', () => {
    assert.equal(parse('old-keys.xml').signingKeys[1]?.publicKeyPem, publicPem('simplesamlphp'))
  })

  it('does not encrypt to an elliptic curve key and does not look up key names', () => {
    assert.equal(parse('old-keys.xml').encryptionKeys.length, 1)
    assert.equal(codesOf('old-keys.xml').filter((code) => code === 'KEY_NOT_USABLE').length, 2)
  })
})

describe('SP metadata: subject-id:req (saml-subject-id-attr 2.4)', () => {
  const need = 'urn:oasis:names:tc:SAML:profiles:subject-id:req'
  const read = (change: (xml: string) => string) =>
    readServiceProviderMetadata(minimalWith(change), 'test', now)

  for (const value of ['subject-id', 'pairwise-id', 'any', 'none'] as const) {
    it(`reads ${value}`, () =>
      assert.equal(read(entityAttribute(need, value)).serviceProvider.subjectIdRequirement, value))
  }

  it('ignores an unknown value and says so', () => {
    const { serviceProvider, findings } = read(entityAttribute(need, 'both'))
    assert.equal(serviceProvider.subjectIdRequirement, undefined)
    assert.ok(findings.some(({ code }) => code === 'SUBJECT_ID_REQUIREMENT_UNKNOWN'))
  })

  it('ignores the misspelt name and says so', () => {
    const misspelt = 'urn:oasis:names:tc:SAML:attribute:subject-id:req'
    const { serviceProvider, findings } = read(entityAttribute(misspelt, 'any'))
    assert.equal(serviceProvider.subjectIdRequirement, undefined)
    assert.ok(findings.some(({ code }) => code === 'SUBJECT_ID_REQUIREMENT_MISSPELT'))
  })
})

describe('SP metadata: what it says to people', () => {
  const { serviceProvider: sp, findings } = readServiceProviderMetadata(
    fixture('hostile-display.xml'),
    'test',
    now,
  )
  const codes = findings.map(({ code }) => code)

  it('keeps text as text, without marks that turn its direction, and not for ever', () => {
    assert.equal(sp.displayName.en, '<script>alert(1)</script> knaB')
    assert.equal(sp.description.en?.length, 2000)
  })

  it('drops addresses that are no web addresses, and logos that could hold script', () => {
    assert.deepEqual(sp.informationUrl, {})
    assert.deepEqual(sp.privacyStatementUrl, {})
    assert.equal(sp.logoUrl, undefined)
    assert.equal(codes.filter((code) => code === 'DISPLAY_URL_UNSAFE').length, 4)
  })

  it('warns of an endpoint without TLS, with its line, and of a repeated index', () => {
    const http = findings.find(({ code }) => code === 'ENDPOINT_HTTP')
    assert.equal(http?.line, 13)
    assert.ok(codes.includes('ENDPOINT_INDEX_REPEATED'))
  })
})

describe('SP metadata: what is refused, and how it is said', () => {
  const expected: Record<string, RegExp> = {
    'billion-laughs': /line 2: a document type/,
    'certificate-broken': /line 3, entityID .*X509Certificate does not hold.*BEGIN and END/s,
    'certificate-huge': /far too long/,
    'data-acs': /Location is "data:text/,
    'deep-nesting': /nested deeper than 32 levels/,
    doctype: /line 1: a document type/,
    'duplicate-id': /ID "_1" occurs twice/,
    'encoding-greek': /UTF-8/,
    'entity-id-javascript': /entityID is "javascript:/,
    'entity-id-long': /entityID has 1125 characters, expected at most 1024/,
    'entity-id-missing': /entityID is ""/,
    'entity-id-space': /without spaces/,
    'external-dtd': /document type/,
    'external-entity': /document type/,
    'flag-nonsense': /WantAssertionsSigned="yes", expected "true" or "false"/,
    'groups-nested': /groups \(EntitiesDescriptor\) nested deeper than 4 levels/,
    'identity-provider': /metadata of an identity provider/,
    'index-nonsense': /index="first"/,
    'javascript-acs':
      /line 3, entityID "https:\/\/evil.example.org\/sp": AssertionConsumerService Location is "javascript:/,
    'key-1024-bits': /RSA key of 1024 bits, expected 2048 or more\. Make a new key pair/,
    'no-post-acs': /no AssertionConsumerService with the HTTP-POST binding/,
    'not-closed': /the text ends inside|not written|starts no element|not closed/,
    'not-xml': /outside the root|no XML element/,
    'other-namespace': /root element is <EntityDescriptor> in namespace "[^"]+", expected/,
    'other-root': /root element is <html>/,
    'processing-instruction': /processing instructions/,
    'relative-acs': /Location is "\/acs"/,
    'saml1-only': /does not support SAML 2\.0/,
    'space-acs': /a cs/,
    'userinfo-acs': /absolute https address/,
    'valid-until-nonsense': /validUntil="tomorrow"/,
    'valid-until-past': /valid until 2020-01-01T00:00:00Z only\. Fetch/,
  }

  for (const [name, message] of Object.entries(expected)) {
    it(name.replaceAll('-', ' '), () => {
      const bytes = readFileSync(new URL(`invalid/${name}.xml`, folder))
      assert.throws(
        () => parseServiceProviderMetadata(decodeXml(bytes), 'test', now),
        (error: Error) => {
          if (name !== 'encoding-greek') {
            assert.ok(error instanceof IdpError)
            assert.equal(error.code, 'METADATA_INVALID')
          }
          assert.match(error.message, message)
          assert.ok(error.message.length < 500, 'a message that fits a page')
          return true
        },
      )
    })
  }

  it('has a case here for every hostile fixture', () => {
    const files = readdirSync(new URL('invalid/', folder)).map((file) => file.replace('.xml', ''))
    assert.deepEqual(files.sort(), Object.keys(expected).sort())
  })
})
