import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type AggregateEntity,
  type AggregateOptions,
  readAggregate,
} from '../../../src/federation/aggregates/aggregate-reader.ts'
import { parseServiceProviderMetadata } from '../../../src/federation/service-provider-metadata.ts'
import {
  entity,
  federationKeys,
  group,
  namespaces,
  readerOf,
  type SignOptions,
  sign,
} from '../../support/aggregate.ts'

const now = new Date('2027-01-15T12:00:00Z')
const { publicKey, privateKey } = federationKeys()
const stranger = federationKeys()

function read(xml: string | Uint8Array, options: Partial<AggregateOptions> = {}) {
  const entities: AggregateEntity[] = []
  const summary = readAggregate(readerOf(xml, 997), {
    keys: [publicKey],
    now,
    clockSkewMs: 180_000,
    maxValidityMs: 28 * 86_400_000,
    maxBytes: 10_000_000,
    onEntity: (one) => entities.push(one),
    ...options,
  })
  return { entities, summary }
}

const signed = (xml: string, options?: SignOptions, key: KeyObject = privateKey) =>
  sign(xml, key, options)
const two = group([entity('one', { authority: 'http://a.example/' }), entity('two')])
const refuses = (xml: string | Uint8Array, code: string, message: RegExp, options = {}) =>
  assert.throws(() => read(xml, options), { code, message })

describe('A signed aggregate', () => {
  it('is verified and cut into entities that stand alone', () => {
    const { entities, summary } = read(signed(two))
    assert.equal(summary.entityCount, 2)
    assert.equal(summary.cacheDurationSeconds, 21_600)
    const [first] = entities
    assert.deepEqual(first?.roles, ['sp'])
    assert.equal(first?.registrationAuthority, 'http://a.example/')
    assert.deepEqual({ ...first?.names }, { en: 'Service one', el: 'Υπηρεσία one' })
    const sp = parseServiceProviderMetadata(String(first?.xml), 'federation:test', now)
    assert.equal(sp.entityId, 'https://one.example.org/sp')
    assert.equal(sp.displayName.el, 'Υπηρεσία one')
    assert.deepEqual(sp.validUntil, new Date('2027-01-29T12:00:00Z'))
  })

  for (const [signature, digest] of [
    ['rsa-sha384', 'http://www.w3.org/2001/04/xmldsig-more#sha384'],
    ['rsa-sha512', 'http://www.w3.org/2001/04/xmlenc#sha512'],
  ] as const) {
    it(`may be signed with ${signature}`, () => {
      const signatureAlgorithm = `http://www.w3.org/2001/04/xmldsig-more#${signature}`
      const xml = trySign(two, { signatureAlgorithm, digestAlgorithm: digest })
      if (xml) assert.equal(read(xml).summary.entityCount, 2)
    })
  }

  it('may be a single EntityDescriptor', () => {
    const one = entity('one', {
      attributes: ` ${namespaces} ID="_1" validUntil="2027-01-20T00:00:00Z"`,
    })
    const { entities, summary } = read(signed(one.trim()))
    assert.equal(summary.isSingle, true)
    assert.equal(entities[0]?.entityId, 'https://one.example.org/sp')
    assert.match(
      String(entities[0]?.xml),
      /^<md:EntityDescriptor [^>]*validUntil="2027-01-20T00:00:00.000Z"/,
    )
  })

  it('may have text, comments and CDATA at odd places', () => {
    const odd = group([
      '<!-- a < comment -->',
      entity('one', {
        inside:
          '<md:Extensions><!--x--><x:y xmlns:x="urn:x" b="1" a="&#10;&quot;"><![CDATA[<&]]>&gt;</x:y></md:Extensions>',
      }),
      '\r\n<!---->',
    ])
    assert.equal(read(signed(odd)).summary.entityCount, 1)
  })

  it('inherits the earliest validUntil and the shortest cacheDuration of the groups around it', () => {
    const inner = `<md:EntitiesDescriptor validUntil="2027-01-18T00:00:00Z" cacheDuration="PT1H">${entity('one', { attributes: ' validUntil="2027-01-25T00:00:00Z"' })}</md:EntitiesDescriptor>`
    const [only] = read(signed(group([inner]))).entities
    assert.deepEqual(only?.validUntil, new Date('2027-01-18T00:00:00Z'))
    assert.equal(only?.cacheDurationSeconds, 3600)
    assert.match(String(only?.xml), /validUntil="2027-01-18T00:00:00.000Z"/)
    assert.doesNotMatch(String(only?.xml), /2027-01-25/)
  })

  it('leaves out an entity past its own validUntil, and one too large to be read later', () => {
    const past = entity('past', { attributes: ' validUntil="2027-01-15T11:59:59Z"' })
    const huge = entity('huge', {
      inside: `<md:Extensions>${'<x a="'.concat('y'.repeat(1000), '"/>').repeat(1100)}</md:Extensions>`,
    })
    const { entities, summary } = read(signed(group([past, huge, entity('one')])))
    assert.deepEqual(
      entities.map(({ entityId }) => entityId),
      ['https://one.example.org/sp'],
    )
    assert.deepEqual(summary.leftOut, [
      'https://past.example.org/sp',
      'https://huge.example.org/sp',
    ])
  })

  it('gives only what is wanted', () => {
    const { entities, summary } = read(signed(two), {
      wants: ({ registrationAuthority }) => registrationAuthority === 'http://a.example/',
    })
    assert.equal(entities.length, 1)
    assert.equal(summary.entityCount, 2)
  })

  it('is accepted under any of several pinned keys', () => {
    assert.equal(read(signed(two), { keys: [stranger.publicKey, publicKey] }).summary.takenCount, 2)
  })
})

describe('The signature of an aggregate', () => {
  const invalid = 'METADATA_SIGNATURE_INVALID'

  it('must be there', () => refuses(two, invalid, /first element/))

  it('must be by the pinned key, whatever KeyInfo says', () => {
    refuses(signed(two, {}, stranger.privateKey), invalid, /not by the pinned key/)
  })

  it('covers every byte of content', () => {
    const xml = signed(two)
    refuses(xml.replace('Service two', 'Service tvo'), invalid, /digest differs/)
    refuses(xml.replace('</md:EntitiesDescriptor>', ' </md:EntitiesDescriptor>'), invalid, /digest/)
    refuses(xml.replace('cacheDuration="PT6H"', 'cacheDuration="PT7H"'), invalid, /digest differs/)
  })

  it('must stand first in the root: a moved one is refused', () => {
    const location = { reference: '/*', action: 'append' } as const
    refuses(signed(two, { location }), invalid, /first element/)
    const inEntity = {
      reference: "/*/*[local-name()='EntityDescriptor'][1]",
      action: 'prepend',
    } as const
    refuses(signed(two, { location: inEntity }), invalid, /first element/)
  })

  it('must be the only one of the root', () => {
    const xml = signed(two)
    const signature = /<ds:Signature .*<\/ds:Signature>/s.exec(xml)![0]
    refuses(
      xml.replace('</md:EntitiesDescriptor>', `${signature}</md:EntitiesDescriptor>`),
      invalid,
      /two signatures/,
    )
  })

  it('must be over the root, not over an entity in it', () => {
    const inner = group([entity('one', { attributes: ' ID="_one"' })])
    const xml = signed(inner, { element: "//*[local-name()='EntityDescriptor']" })
    refuses(xml, invalid, /Reference is to "#_one"/)
  })

  it('cannot be wrapped: the signed root inside another root', () => {
    const genuine = signed(two)
    const signature = /<ds:Signature .*<\/ds:Signature>/s.exec(genuine)![0]
    const evil = entity('evil')
    const bare = genuine.replace(signature, '')
    for (const id of ['_other', '_root']) {
      const wrapped = group([evil, bare], undefined, id).replace(
        /(<md:EntitiesDescriptor[^>]*>)/,
        `$1${signature}`,
      )
      assert.throws(() => read(wrapped), { name: 'IdpError' })
    }
  })

  it('must not be SHA-1, in digest or signature', () => {
    const sha1 = 'http://www.w3.org/2000/09/xmldsig#sha1'
    refuses(signed(two, { digestAlgorithm: sha1 }), invalid, /DigestMethod/)
    const rsaSha1 = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'
    refuses(signed(two, { signatureAlgorithm: rsaSha1 }), invalid, /SignatureMethod/)
  })

  it('must have no transform but the two', () => {
    const only = ['http://www.w3.org/2001/10/xml-exc-c14n#']
    refuses(signed(two, { transforms: only }), invalid, /transforms/)
    const xml = signed(two).replace(
      '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>',
      '$&<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform>',
    )
    refuses(xml, invalid, /XPath/)
  })

  it('is refused with a KeyInfo of a megabyte', () => {
    const keyInfo = `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${'QUJD'.repeat(250_000)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
    const xml = signed(two).replace('</ds:Signature>', `${keyInfo}</ds:Signature>`)
    refuses(xml, invalid, /larger than/)
  })

  it('does not care for a KeyInfo of moderate size', () => {
    const xml = signed(two).replace(
      '</ds:Signature>',
      '<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></ds:Signature>',
    )
    assert.equal(read(xml).summary.takenCount, 2)
  })
})

describe('The times of an aggregate (saml2int SDP-MD03)', () => {
  const withTimes = (attributes: string) => signed(group([entity('one')], attributes))
  const notCurrent = 'METADATA_NOT_CURRENT'

  it('must have an end', () => refuses(withTimes(''), notCurrent, /no validUntil/))
  it('must not be past, but for the clocks', () => {
    refuses(withTimes('validUntil="2027-01-15T11:56:00Z"'), notCurrent, /only/)
  })
  it('must not reach beyond the horizon', () => {
    refuses(withTimes('validUntil="2027-03-01T00:00:00Z"'), notCurrent, /more than 28 days/)
  })
  it('must be readable: a time that is not one is no reason to forget it', () => {
    refuses(withTimes('validUntil="soon"'), 'METADATA_INVALID', /validUntil="soon"/)
    refuses(
      withTimes('validUntil="2027-01-20T00:00:00Z" cacheDuration="PT"'),
      'METADATA_INVALID',
      /cacheDuration/,
    )
  })
})

describe('Hostile aggregates', () => {
  const invalid = 'METADATA_INVALID'
  const body = (xml: string) =>
    signed(two).replace('</md:EntitiesDescriptor>', `${xml}</md:EntitiesDescriptor>`)

  it('have no DTD: neither bombs nor external entities', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${signed(two)}`
    refuses(bomb, invalid, /document type/)
    refuses(`<!DOCTYPE x SYSTEM "file:///etc/passwd">${signed(two)}`, invalid, /document type/)
    refuses(body('&xxe;'), invalid, /no character that XML knows/)
  })
  it('nest neither elements nor groups without end', () => {
    refuses(body('<a>'.repeat(100)), invalid, /<a> in a group/)
    refuses(body(`<md:Extensions>${'<a>'.repeat(100)}`), invalid, /nested deeper than 36/)
    const groups = '<md:EntitiesDescriptor>'.repeat(10) + '</md:EntitiesDescriptor>'.repeat(10)
    refuses(signed(group([groups])), invalid, /deeper than 4 levels/)
  })
  it('repeat no ID and no entityID', () => {
    refuses(
      body(entity('three', { attributes: ' ID="_root"' })),
      invalid,
      /ID "_root" stands twice/,
    )
    refuses(signed(group([entity('one'), entity('one')])), invalid, /stands twice/)
    const entityRef = entity('one').replace('https://one', '&#x68;ttps://one')
    refuses(signed(group([entity('one'), entityRef])), invalid, /stands twice/)
  })
  it('have no entityID over 1024 characters', () => {
    refuses(signed(group([entity('o'.repeat(1010))])), invalid, /expected at most 1024/)
  })
  it('end where they say they end', () => {
    const xml = signed(two)
    for (const at of [20, 200, 2000, xml.length - 30, xml.length - 1]) {
      assert.throws(() => read(xml.slice(0, at)), { name: 'IdpError' })
    }
    refuses(`${xml}<x/>`, invalid, /second root/)
    refuses(`${xml}x`, invalid, /outside the root/)
  })
  it('are in UTF-8', () => {
    refuses(Buffer.from(`\ufeff${signed(two)}`, 'utf16le'), invalid, /UTF-8/)
    refuses(Buffer.from(signed(two), 'utf16le'), invalid, /UTF-8|not allowed/)
    refuses(`<?xml version="1.0" encoding="ISO-8859-7"?>${signed(two)}`, invalid, /only UTF-8/)
    refuses(Buffer.from(signed(two), 'latin1').fill(0xe9, 600, 601), invalid, /UTF-8/)
    assert.equal(
      read(`\ufeff<?xml version="1.0" encoding="utf-8"?>\n${signed(two)}`).summary.takenCount,
      2,
    )
  })
  it('hold no processing instruction and no control character', () => {
    refuses(body('<?php x?>'), invalid, /processing instructions/)
    refuses(body('\u0001'), invalid, /U\+0001/)
    refuses(body('<!--\uffff-->'), invalid, /U\+FFFF/)
    refuses(body('&#0;'), invalid, /not allowed in XML/)
  })
  it('hold no attribute of megabytes, and not a hundred in one tag', () => {
    refuses(
      body(entity('big', { attributes: ` x="${'y'.repeat(3_000_000)}"` })),
      invalid,
      /more than 1048576 bytes/,
    )
    const many = Array.from({ length: 100 }, (_, index) => ` a${index}=""`).join('')
    refuses(body(entity('big', { attributes: many })), invalid, /more than 64 attributes/)
  })
  it('are no larger than allowed', () => {
    refuses(signed(two), invalid, /larger than 2000 bytes/, { maxBytes: 2000 })
  })
  it('declare the prefixes that they use', () => {
    refuses(body('<q:x/>'), invalid, /"q" is not declared/)
    refuses(
      body('<md:Extensions xmlns:q="urn:saml" xmlns:r="urn:saml" q:a="" r:a=""/>'),
      invalid,
      /stands twice/,
    )
    refuses(body('<xmlns:x xmlns:xmlns="urn:x"/>'), invalid, /not allowed/)
  })
})

function trySign(xml: string, options: SignOptions): string | undefined {
  try {
    return signed(xml, options)
  } catch {
    // xml-crypto lacks some algorithms; xmlsec1 signs with them in test/interop.
    return undefined
  }
}
