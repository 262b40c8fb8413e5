import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ExclusiveCanonicalization } from 'xml-crypto'
import { loadInstitution } from '../../src/institution.ts'
import type { SigningKey } from '../../src/keys/signing-key.ts'
import { buildMetadata } from '../../src/saml/metadata.ts'
import { metadataCache } from '../../src/saml/metadata-cache.ts'
import { bindings, nameIdFormats } from '../../src/saml/uris.ts'
import { federationFacts } from '../support/federation-facts.ts'
import {
  elements,
  makeSigningKey,
  now,
  parse,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'

const institution = loadInstitution(
  fileURLToPath(new URL('../../demo/institution.json', import.meta.url)),
)
const baseUrl = 'https://idp.uni.example.gr'
const keys = [makeSigningKey(), makeSigningKey()]
const own = {
  entityId: `${baseUrl}/saml/metadata`,
  baseUrl,
  scope: 'uni.example.gr',
  institution,
  keys,
  validUntil: new Date('2026-12-05T00:00:00.000Z'),
}
const xml = await buildMetadata(own)
const document = parse(xml)
const texts = (name: string) => elements(document, name).map((element) => element.textContent)
const attributes = (name: string, attribute: string) =>
  elements(document, name).map((element) => element.getAttribute(attribute))

describe('our own metadata (saml2int SDP-MD08 to 12, SDP-IDP14 and 33)', () => {
  it('is signed by the active key, and says until when it is valid', {
    skip: xmlsecMissing,
  }, () => {
    const root = document.documentElement
    xmlsecVerify(xml, keys[0]!.certificate!, 'EntityDescriptor', root.getAttribute('ID')!)
    assert.equal(root.getAttribute('entityID'), `${baseUrl}/saml/metadata`)
    assert.equal(root.getAttribute('validUntil'), '2026-12-05T00:00:00.000Z')
    assert.equal(root.getAttribute('cacheDuration'), 'PT6H')
  })

  it('is in canonical form, and carries no document type', () => {
    assert.ok(
      new ExclusiveCanonicalization().process(document.documentElement as never, {}) === xml,
    )
  })

  it('publishes every key, the signing one first', () => {
    const [, ...published] = texts('X509Certificate')
    assert.deepEqual(
      published,
      keys.map(({ certificate }) => certificate),
    )
    assert.deepEqual(attributes('KeyDescriptor', 'use'), ['signing', 'signing'])
  })

  it('lists SSO by HTTP-Redirect and HTTP-POST, SLO by SOAP too, and every NameID format', () => {
    const both = [bindings.httpRedirect, bindings.httpPost]
    assert.deepEqual(attributes('SingleSignOnService', 'Binding'), both)
    assert.deepEqual(attributes('SingleLogoutService', 'Binding'), [...both, bindings.soap])
    assert.deepEqual(
      new Set(attributes('SingleSignOnService', 'Location')),
      new Set([`${baseUrl}/saml/sso`]),
    )
    assert.deepEqual(texts('NameIDFormat'), Object.values(nameIdFormats))
  })

  it('says its scope literally', () => {
    const [scope] = elements(document, 'Scope')
    assert.equal(scope!.textContent, 'uni.example.gr')
    assert.equal(scope!.getAttribute('regexp'), 'false')
  })

  it('gives names, descriptions and links in Greek and English, and a logo', () => {
    for (const name of [
      'DisplayName',
      'Description',
      'InformationURL',
      'PrivacyStatementURL',
      'OrganizationName',
      'OrganizationDisplayName',
      'OrganizationURL',
    ]) {
      assert.deepEqual(attributes(name, 'xml:lang'), ['el', 'en'], name)
    }
    for (const name of ['InformationURL', 'PrivacyStatementURL', 'OrganizationURL', 'Logo']) {
      for (const url of texts(name)) assert.match(url!, /^(https?:\/\/|data:)/, name)
    }
    assert.equal(elements(document, 'Logo').length, 1)
  })

  it('names technical, support and security contacts with mailto addresses', () => {
    assert.deepEqual(attributes('ContactPerson', 'contactType'), ['technical', 'support', 'other'])
    assert.equal(
      attributes('ContactPerson', 'remd:contactType')[2],
      'http://refeds.org/metadata/contactType/security',
    )
    for (const address of texts('EmailAddress')) assert.match(address!, /^mailto:[^\s@]+@[^\s@]+$/)
    for (const name of texts('GivenName')) assert.ok(name!.trim())
  })

  it('has an errorURL with the REFEDS placeholders', () => {
    assert.equal(
      attributes('IDPSSODescriptor', 'errorURL')[0],
      `${baseUrl}/saml/error?code=ERRORURL_CODE&ts=ERRORURL_TS&rp=ERRORURL_RP&tid=ERRORURL_TID&ctx=ERRORURL_CTX`,
    )
  })

  it('orders its elements as the schema does', async () => {
    const children = (parent: Element) => [
      ...new Set(Array.from(parent.childNodes).map((child) => (child as Element).localName)),
    ]
    assert.deepEqual(children(document.documentElement), [
      'Signature',
      'Extensions',
      'IDPSSODescriptor',
      'Organization',
      'ContactPerson',
    ])
    assert.deepEqual(children(elements(document, 'IDPSSODescriptor')[0]!), [
      'Extensions',
      'KeyDescriptor',
      'SingleLogoutService',
      'NameIDFormat',
      'SingleSignOnService',
    ])
  })
})

const fullMetadata = await buildMetadata({
  ...own,
  institution: { ...institution, ...federationFacts },
})

describe('our own metadata, with all that an institution may tell (RFC 8409, MDUI 1.0, MDRPI 1.0)', () => {
  const full = fullMetadata
  const told = parse(full)
  const valuesOf = (name: string) =>
    elements(told, 'Attribute')
      .filter((attribute) => attribute.getAttribute('Name') === name)
      .flatMap((attribute) => Array.from(attribute.childNodes).map((value) => value.textContent))

  it('claims the categories, Sirtfi with its first version, and hides where it is told to', () => {
    assert.deepEqual(valuesOf('http://macedir.org/entity-category-support'), [
      'http://refeds.org/category/research-and-scholarship',
      'https://refeds.org/category/code-of-conduct/v2',
      'http://www.geant.net/uri/dataprotection-code-of-conduct/v1',
      'https://refeds.org/category/personalized',
      'https://refeds.org/category/pseudonymous',
      'https://refeds.org/category/anonymous',
      'https://myacademicid.org/entity-categories/esi',
    ])
    assert.deepEqual(valuesOf('urn:oasis:names:tc:SAML:attribute:assurance-certification'), [
      'https://refeds.org/sirtfi',
      'https://refeds.org/sirtfi2',
    ])
    assert.deepEqual(valuesOf('http://macedir.org/entity-category'), [
      'http://refeds.org/category/hide-from-discovery',
    ])
    for (const attribute of elements(told, 'Attribute')) {
      assert.match(attribute.getAttribute('NameFormat')!, /attrname-format:uri$/)
      assert.equal(
        (attribute.parentNode!.parentNode!.parentNode as Element).localName,
        'EntityDescriptor',
      )
    }
  })

  it('says who registered it, when, and by which practice', () => {
    const [registration] = elements(told, 'RegistrationInfo')
    assert.equal(registration!.getAttribute('registrationAuthority'), 'http://aai.grnet.gr/')
    assert.equal(registration!.getAttribute('registrationInstant'), '2026-09-01T00:00:00Z')
    assert.deepEqual(
      elements(told, 'RegistrationPolicy').map((one) => one.getAttribute('xml:lang')),
      ['el', 'en'],
    )
  })

  it('hints where it is', () => {
    const texts = (name: string) => elements(told, name).map(({ textContent }) => textContent)
    assert.deepEqual(texts('IPHint'), ['192.0.2.0/24', '2001:db8::/32'])
    assert.deepEqual(texts('DomainHint'), ['uni.example.gr'])
    assert.deepEqual(texts('GeolocationHint'), ['geo:37.9755,23.7348'])
  })

  it('is in canonical form, and its signature verifies', { skip: xmlsecMissing }, () => {
    const root = told.documentElement
    assert.ok(new ExclusiveCanonicalization().process(root as never, {}) === full)
    xmlsecVerify(full, keys[0]!.certificate!, 'EntityDescriptor', root.getAttribute('ID')!)
  })

  it('claims nothing that the institution file does not state', () => {
    for (const name of ['EntityAttributes', 'RegistrationInfo', 'DiscoHints']) {
      assert.equal(elements(document, name).length, 0, name)
    }
  })
})

describe('our own metadata over time', () => {
  function cacheAt(start: Date) {
    const clock = { now: start }
    let published: readonly SigningKey[] = keys
    const listeners: (() => void)[] = []
    const current = metadataCache({
      config: {
        baseUrl,
        samlEntityId: `${baseUrl}/saml/metadata`,
        pathAliases: [],
        scope: 'uni.example.gr',
        metadataValidDays: 14,
      } as never,
      institution,
      keys: {
        active: () => published[0]!,
        published: () => published,
        decrypting: () => [],
        reload: async () => {},
        onChange: (listener) => {
          listeners.push(listener)
          return () => {}
        },
      },
      now: () => clock.now,
    })
    return {
      clock,
      current,
      rotate(next: readonly SigningKey[]) {
        published = next
        for (const listener of listeners) listener()
      },
    }
  }
  const days = (count: number) => count * 86_400_000
  const validUntil = (served: { xml: Buffer }) =>
    new Date(/validUntil="([^"]+)"/.exec(served.xml.toString())![1]!).getTime()

  it('always has at least half of its validity left, at most all of it', async () => {
    const { clock, current } = cacheAt(now)
    for (let hour = 0; hour < 24 * 30; hour += 7) {
      clock.now = new Date(now.getTime() + hour * 3_600_000)
      const left = validUntil(await current()) - clock.now.getTime()
      assert.ok(left >= days(7) && left <= days(14), `${left / days(1)} days left`)
    }
  })

  it('is signed once, not at every request', async () => {
    const { current } = cacheAt(now)
    assert.equal(await current(), await current())
  })

  it('is the same document from every worker', async () => {
    const one = await cacheAt(now).current()
    const other = await cacheAt(new Date(now.getTime() + 1000)).current()
    assert.deepEqual(one, other)
  })

  it('follows a change of keys at once, under another ETag', async () => {
    const { current, rotate } = cacheAt(now)
    const before = await current()
    rotate([keys[1]!])
    const after = await current()
    assert.notEqual(after.etag, before.etag)
    assert.ok(!after.xml.includes(keys[0]!.certificate!))
  })
})
