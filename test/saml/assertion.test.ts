import assert from 'node:assert/strict'
import { randomInt, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { ExclusiveCanonicalization, SignedXml } from 'xml-crypto'
import { buildResponse } from '../../src/saml/assertion.ts'
import { buildStatusResponse } from '../../src/saml/status-response.ts'
import { nameIdFormats, namespaces } from '../../src/saml/uris.ts'
import {
  acsUrl,
  attribute,
  elements,
  idpEntityId,
  makeSigningKey,
  now,
  parse,
  responseContent,
  spEntityId,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'

const key = makeSigningKey()

/** Verifies one enveloped signature with xml-crypto and returns what it covers. */
function verifiedBy(xml: string, parentName: string): string {
  const parent = elements(parse(xml), parentName)[0]!
  const signature = Array.from(parent.childNodes).find(
    (child) => (child as Element).localName === 'Signature',
  )
  const verifier = new SignedXml({ publicCert: key.publicKey })
  verifier.loadSignature(signature as never)
  assert.equal(verifier.checkSignature(xml), true)
  const [signed] = verifier.getSignedReferences()
  return signed!
}

const canonicalize = (xml: string) =>
  new ExclusiveCanonicalization().process(parse(xml).documentElement as never, {})

describe('SAML Response: signatures', () => {
  for (const signAssertion of [false, true]) {
    it(`signs the Response always${signAssertion ? ', and the Assertion when that is wanted' : ''}`, async () => {
      const xml = await buildResponse(responseContent(), { key, signAssertion })
      assert.match(verifiedBy(xml, 'Response'), /^<samlp:Response /)
      assert.equal(elements(parse(xml), 'Signature').length, signAssertion ? 2 : 1)
      if (signAssertion) assert.match(verifiedBy(xml, 'Assertion'), /^<saml:Assertion /)
    })

    it(`is verified by xmlsec1${signAssertion ? ' in both places' : ''}`, {
      skip: xmlsecMissing,
    }, async () => {
      const xml = await buildResponse(responseContent(), { key, signAssertion })
      for (const name of signAssertion ? ['Response', 'Assertion'] : ['Response']) {
        const id = elements(parse(xml), name)[0]!.getAttribute('ID')!
        xmlsecVerify(xml, key.certificate!, name, id)
      }
    })
  }

  it('is no longer verified once a single value was changed', { skip: xmlsecMissing }, async () => {
    const xml = await buildResponse(responseContent(), { key, signAssertion: false })
    const id = elements(parse(xml), 'Response')[0]!.getAttribute('ID')!
    const changed = xml.replace('student@uni', 'faculty@uni')
    assert.notEqual(changed, xml)
    assert.throws(() => xmlsecVerify(changed, key.certificate!, 'Response', id))
  })

  it('signs a Response that carries only a Status', { skip: xmlsecMissing }, async () => {
    const xml = await buildStatusResponse(
      {
        issuer: idpEntityId,
        destination: acsUrl,
        inResponseTo: '_r',
        status: { code: 'Responder', secondLevel: 'NoPassive', message: 'a < b & "c"' },
        now,
      },
      key,
    )
    const document = parse(xml)
    xmlsecVerify(xml, key.certificate!, 'Response', document.documentElement.getAttribute('ID')!)
    const [top, second] = elements(document, 'StatusCode')
    assert.equal(top!.getAttribute('Value'), 'urn:oasis:names:tc:SAML:2.0:status:Responder')
    assert.equal(second!.getAttribute('Value'), 'urn:oasis:names:tc:SAML:2.0:status:NoPassive')
    assert.equal(second!.parentNode, top)
    assert.equal(elements(document, 'StatusMessage')[0]!.textContent, 'a < b & "c"')
    assert.equal(elements(document, 'Assertion').length, 0)
    assert.equal(canonicalize(xml), xml)
  })

  it('puts the certificate of the signing key into KeyInfo', async () => {
    const document = parse(await buildResponse(responseContent(), { key, signAssertion: false }))
    const certificate = elements(document, 'X509Certificate')[0]!.textContent
    assert.equal(certificate, key.certificate)
    const { publicKey } = new X509Certificate(Buffer.from(certificate!, 'base64'))
    assert.ok(publicKey.equals(key.publicKey))
  })
})

const plainResponse = parse(await buildResponse(responseContent(), { key, signAssertion: false }))

describe('SAML Response: what it says (Profiles 4.1.4.2)', () => {
  const document = plainResponse
  const only = (name: string) => {
    const found = elements(document, name)
    assert.equal(found.length, 1, `one ${name}`)
    return found[0]!
  }

  it('names its place, its request and its issuer', () => {
    const response = only('Response')
    assert.equal(response.getAttribute('Destination'), acsUrl)
    assert.equal(response.getAttribute('InResponseTo'), '_request1')
    assert.equal(response.getAttribute('Version'), '2.0')
    assert.deepEqual(
      elements(document, 'Issuer').map((issuer) => issuer.textContent),
      [idpEntityId, idpEntityId],
    )
  })

  it('can be used at one place, for one request, for five minutes', () => {
    const data = only('SubjectConfirmationData')
    assert.equal(data.getAttribute('Recipient'), acsUrl)
    assert.equal(data.getAttribute('InResponseTo'), '_request1')
    assert.equal(data.getAttribute('NotOnOrAfter'), '2026-11-21T10:05:00.000Z')
    assert.equal(data.hasAttribute('NotBefore'), false)
    assert.equal(
      only('SubjectConfirmation').getAttribute('Method'),
      'urn:oasis:names:tc:SAML:2.0:cm:bearer',
    )
  })

  it('is for one audience, and valid from before now by the clock skew', () => {
    assert.equal(only('Audience').textContent, spEntityId)
    assert.equal(only('Conditions').getAttribute('NotBefore'), '2026-11-21T09:57:00.000Z')
    assert.equal(only('Conditions').getAttribute('NotOnOrAfter'), '2026-11-21T10:05:00.000Z')
  })

  it('tells when the password was proved and when the session ends', () => {
    const statement = only('AuthnStatement')
    assert.equal(statement.getAttribute('AuthnInstant'), '2026-11-21T09:55:00.000Z')
    assert.equal(statement.getAttribute('SessionNotOnOrAfter'), '2026-11-21T19:55:00.000Z')
    assert.equal(statement.getAttribute('SessionIndex'), '_session')
    assert.match(only('AuthnContextClassRef').textContent!, /PasswordProtectedTransport$/)
  })

  it('carries every value of an attribute, with its urn:oid name and FriendlyName', () => {
    const [affiliation] = elements(document, 'Attribute')
    assert.equal(affiliation!.getAttribute('Name'), 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9')
    assert.equal(affiliation!.getAttribute('FriendlyName'), 'eduPersonScopedAffiliation')
    assert.match(affiliation!.getAttribute('NameFormat')!, /:attrname-format:uri$/)
    assert.deepEqual(
      elements(affiliation!, 'AttributeValue').map((value) => value.textContent),
      ['member@uni.example.gr', 'student@uni.example.gr'],
    )
  })

  it('leaves InResponseTo out of an unsolicited Response', async () => {
    const xml = await buildResponse(responseContent({ inResponseTo: undefined }), {
      key,
      signAssertion: true,
    })
    assert.doesNotMatch(xml, /InResponseTo/)
  })

  it('has no AttributeStatement when nothing is released', async () => {
    const xml = await buildResponse(responseContent({ attributes: [] }), {
      key,
      signAssertion: true,
    })
    assert.doesNotMatch(xml, /AttributeStatement/)
  })

  it('writes eduPersonTargetedID as a persistent NameID inside the value', async () => {
    const { definition, samlName, values } = attribute(
      'eduPersonTargetedID',
      'urn:oid:1.3.6.1.4.1.5923.1.1.1.10',
      ['opaque'],
    )
    const xml = await buildResponse(
      responseContent({
        attributes: [{ definition: { ...definition, samlSyntax: 'name-id' }, samlName, values }],
      }),
      { key, signAssertion: true },
    )
    const value = elements(parse(xml), 'AttributeValue')[0]!
    const nameId = value.firstChild as Element
    assert.equal(nameId.localName, 'NameID')
    assert.equal(nameId.namespaceURI, namespaces.saml)
    assert.equal(nameId.getAttribute('Format'), nameIdFormats.persistent)
    assert.equal(nameId.getAttribute('NameQualifier'), idpEntityId)
    assert.equal(nameId.getAttribute('SPNameQualifier'), spEntityId)
    assert.equal(nameId.textContent, 'opaque')
    assert.equal(canonicalize(xml), xml)
  })

  it('never uses an ID twice', async () => {
    const ids = new Set<string>()
    for (let round = 0; round < 50; round++) {
      const xml = await buildResponse(responseContent(), { key, signAssertion: true })
      for (const [, id] of xml.matchAll(/ ID="([^"]+)"/g)) {
        assert.match(id!, /^_[0-9a-f]{40}$/)
        ids.add(id!)
      }
    }
    assert.equal(ids.size, 100)
  })
})

describe('SAML Response: canonical form for any text', () => {
  const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31))
  const rounds = 300

  it(`writes what exclusive canonicalization writes, whatever the values (TEST_SEED=${seed})`, async () => {
    const random = randomNumbers(seed)
    for (let round = 0; round < rounds; round++) {
      const text = () => randomText(random)
      const values = [text(), text(), text()]
      const content = responseContent({
        audience: `https://sp.example.gr/${text()}`,
        destination: `https://sp.example.gr/acs?${text()}`,
        inResponseTo: text() || undefined,
        nameId: { format: text(), value: text(), nameQualifier: text() },
        sessionIndex: text(),
        attributes: [attribute(text(), text(), values)],
      })
      const xml = await buildResponse(content, { key, signAssertion: true })
      assert.ok(canonicalize(xml) === xml, `round ${round}`)
      const read = elements(parse(xml), 'AttributeValue').map((value) => value.textContent)
      assert.deepEqual(read, values.map(carried), `round ${round}`)
    }
  })

  it('is verified by xmlsec1 with such values in it', { skip: xmlsecMissing }, async () => {
    const nasty = troublemakers.join('x')
    const xml = await buildResponse(
      responseContent({ attributes: [attribute(nasty, nasty, [nasty, nasty])] }),
      { key, signAssertion: true },
    )
    for (const name of ['Response', 'Assertion']) {
      const id = elements(parse(xml), name)[0]!.getAttribute('ID')!
      xmlsecVerify(xml, key.certificate!, name, id)
    }
  })

  it('shows by U+FFFD where a character was that XML cannot carry', async () => {
    const xml = await buildResponse(
      responseContent({ attributes: [attribute('a', 'urn:a', ['a\u0000b\u001Fc\uD800d\uFFFFe'])] }),
      { key, signAssertion: false },
    )
    assert.equal(
      elements(parse(xml), 'AttributeValue')[0]!.textContent,
      'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe',
    )
  })
})

/** What a reader gets of a value: illegal characters replaced. */
function carried(value: string): string {
  return value
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
}

/** mulberry32: repeatable for a seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const troublemakers = [
  '&',
  '<',
  '>',
  '"',
  "'",
  '\r',
  '\n',
  '\t',
  '\r\n',
  ']]>',
  '&amp;',
  '<!--',
  '\uD83C',
  '\uDFDB',
  '🏛',
  'ς',
  '\u0085',
  '\u2028',
  '\uFEFF',
  '\uFFFE',
  '\u0000',
  '\u007F',
  ' ',
]

function randomText(random: () => number): string {
  const length = Math.floor(random() * 12)
  let text = ''
  for (let index = 0; index < length; index++) {
    text +=
      random() < 0.5
        ? troublemakers[Math.floor(random() * troublemakers.length)]
        : String.fromCharCode(Math.floor(random() * 0x10000))
  }
  return text
}
