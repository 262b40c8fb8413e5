import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseAuthnRequest } from '../../src/saml/authn-request.ts'
import { acceptAuthnRequest, planSignOn } from '../../src/saml/sign-on.ts'
import { nameIdFormats } from '../../src/saml/uris.ts'
import {
  acsUrl,
  authnRequest,
  makeServiceProvider,
  now,
  spEntityId,
  ssoUrl,
} from './saml-support.ts'

const sp = makeServiceProvider()
const invalid = { code: 'SAML_MESSAGE_INVALID' }

/** The request as it arrives by HTTP-Redirect, unsigned. */
function accept(xml: string, service = sp) {
  return acceptAuthnRequest(
    { xml },
    {
      binding: 'HTTP-Redirect',
      find: async (entityId) => (entityId === service.entityId ? service : undefined),
      destination: ssoUrl,
      now,
      clockSkewMs: 180_000,
    },
  )
}

describe('AuthnRequest: reading (Core 3.4.1)', () => {
  it('reads what a service asks for', () => {
    const request = parseAuthnRequest(
      authnRequest(
        {
          AssertionConsumerServiceIndex: '2',
          AttributeConsumingServiceIndex: '7',
          ForceAuthn: '1',
          IsPassive: 'false',
        },
        `<samlp:Extensions><x:y xmlns:x="urn:unknown"><x:z/></x:y></samlp:Extensions>
         <samlp:NameIDPolicy Format="${nameIdFormats.persistent}" AllowCreate="1" SPNameQualifier="${spEntityId}"/>
         <samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>urn:a</saml:AuthnContextClassRef><saml:AuthnContextClassRef> urn:b </saml:AuthnContextClassRef></samlp:RequestedAuthnContext>
         <samlp:Scoping ProxyCount="0"><samlp:RequesterID>urn:c</samlp:RequesterID></samlp:Scoping>`,
      ),
    )
    assert.deepEqual(
      { ...request },
      {
        id: '_request1',
        version: '2.0',
        issueInstant: now,
        destination: ssoUrl,
        issuer: spEntityId,
        assertionConsumerServiceUrl: undefined,
        assertionConsumerServiceIndex: 2,
        attributeConsumingServiceIndex: 7,
        protocolBinding: undefined,
        forceAuthn: true,
        isPassive: false,
        nameIdPolicy: {
          format: nameIdFormats.persistent,
          spNameQualifier: spEntityId,
          allowCreate: true,
        },
        requestedAuthnContext: { comparison: 'minimum', classRefs: ['urn:a', 'urn:b'] },
      },
    )
  })

  for (const [text, value] of [
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
    [undefined, false],
  ] as const) {
    it(`reads ForceAuthn="${text}" as ${value}`, () => {
      assert.equal(parseAuthnRequest(authnRequest({ ForceAuthn: text })).forceAuthn, value)
    })
  }

  for (const [name, value] of [
    ['ForceAuthn', 'yes'],
    ['IsPassive', 'TRUE'],
    ['AssertionConsumerServiceIndex', '-1'],
    ['AssertionConsumerServiceIndex', '65536'],
    ['AttributeConsumingServiceIndex', '1.5'],
    ['IssueInstant', 'yesterday'],
    ['IssueInstant', '2026-13-40T00:00:00Z'],
    ['ID', '1starts-with-a-digit'],
    ['ID', ''],
    ['ID', 'has space'],
    ['ID', `_${'x'.repeat(256)}`],
    ['ID', undefined],
    ['Version', undefined],
    ['IssueInstant', undefined],
  ] as const) {
    it(`refuses ${name}=${value === undefined ? 'absent' : `"${value.slice(0, 30)}"`}`, () => {
      assert.throws(() => parseAuthnRequest(authnRequest({ [name]: value })), invalid)
    })
  }

  it('takes an IssueInstant without a zone as UTC, and other zones as what they are', () => {
    const instant = (text: string) =>
      parseAuthnRequest(authnRequest({ IssueInstant: text })).issueInstant.toISOString()
    assert.equal(instant('2026-11-21T10:00:00'), now.toISOString())
    assert.equal(instant('2026-11-21T12:00:00+02:00'), now.toISOString())
    assert.equal(instant('2026-11-21T10:00:00.1234567Z'), '2026-11-21T10:00:00.123Z')
  })

  it('refuses an Issuer that is no entity', () => {
    const xml = authnRequest().replace(
      '<saml:Issuer>',
      `<saml:Issuer Format="${nameIdFormats.persistent}">`,
    )
    assert.throws(() => parseAuthnRequest(xml), invalid)
  })

  it('reads an Issuer with a comment in it as the whole value, never as its first part', () => {
    const xml = authnRequest({}, '', `${spEntityId}<!-- -->.evil.example`)
    assert.equal(parseAuthnRequest(xml).issuer, `${spEntityId}.evil.example`)
  })

  it('refuses another root element', () => {
    const xml = authnRequest().replaceAll('AuthnRequest', 'LogoutRequest')
    assert.throws(() => parseAuthnRequest(xml), invalid)
  })
})

describe('AuthnRequest: hostile documents', () => {
  const folder = join(import.meta.dirname, '..', 'fixtures', 'saml', 'invalid')
  const files = readdirSync(folder).filter((file) => file.endsWith('.xml'))
  for (const file of files) {
    it(`refuses ${file.replace('.xml', '').replaceAll('-', ' ')}`, async () => {
      const xml = readFileSync(join(folder, file), 'utf8')
      await assert.rejects(accept(xml), (error: { code?: string }) =>
        /^SAML_(MESSAGE|SIGNATURE)_INVALID$/.test(error.code ?? ''),
      )
    })
  }

  it('refuses a document nested deeper than any message', () => {
    const xml = authnRequest(
      {},
      `<samlp:Extensions>${'<a>'.repeat(50)}${'</a>'.repeat(50)}</samlp:Extensions>`,
    )
    assert.throws(() => parseAuthnRequest(xml), invalid)
  })

  it('refuses a document with thousands of elements', () => {
    const xml = authnRequest({}, `<samlp:Extensions>${'<a/>'.repeat(2000)}</samlp:Extensions>`)
    assert.throws(() => parseAuthnRequest(xml), invalid)
  })
})

describe('AuthnRequest: is it for us, now, from a service we know?', () => {
  it('accepts a fresh request of an approved service', async () => {
    const { assertionConsumerService } = await accept(authnRequest())
    assert.equal(assertionConsumerService.location, acsUrl)
  })

  it('refuses a service that is not registered', async () => {
    await assert.rejects(accept(authnRequest({}, '', 'https://unknown.example')), {
      code: 'SAML_SERVICE_UNKNOWN',
    })
  })

  it('refuses a service that waits for approval', async () => {
    const pending = makeServiceProvider({ state: 'pending' })
    await assert.rejects(accept(authnRequest(), pending), { code: 'SAML_SERVICE_NOT_APPROVED' })
  })

  it('refuses a service whose metadata has expired', async () => {
    const expired = makeServiceProvider({ validUntil: now })
    await assert.rejects(accept(authnRequest(), expired), { code: 'SAML_SERVICE_UNKNOWN' })
  })

  it('refuses a request for another provider', async () => {
    await assert.rejects(accept(authnRequest({ Destination: 'https://other.example/saml/sso' })), {
      code: 'SAML_DESTINATION_MISMATCH',
      message: `Destination is "https://other.example/saml/sso", expected "${ssoUrl}"`,
    })
  })

  it('accepts an unsigned request without Destination', async () => {
    await accept(authnRequest({ Destination: undefined }))
  })

  const at = (secondsFromNow: number) =>
    authnRequest({ IssueInstant: new Date(now.getTime() + secondsFromNow * 1000).toISOString() })

  it('accepts requests of the last five minutes, give or take the clock skew', async () => {
    await accept(at(-479))
    await accept(at(179))
  })

  it('refuses requests from longer ago, and from the future', async () => {
    await assert.rejects(accept(at(-481)), { code: 'SAML_REQUEST_EXPIRED' })
    await assert.rejects(accept(at(181)), { code: 'SAML_REQUEST_EXPIRED' })
  })

  it('refuses an unsigned request of a service that signs its requests', async () => {
    const signing = makeServiceProvider({ authnRequestsSigned: true })
    await assert.rejects(accept(authnRequest(), signing), { code: 'SAML_SIGNATURE_REQUIRED' })
  })
})

describe('AuthnRequest: what the service is told when we cannot', () => {
  async function statusOf(xml: string) {
    const accepted = await accept(xml)
    try {
      planSignOn(accepted, undefined)
    } catch (error) {
      const { code, secondLevel } = (error as { samlStatus: { code: string; secondLevel: string } })
        .samlStatus
      return `${code}/${secondLevel}`
    }
    return 'planned'
  }

  it('VersionMismatch for SAML 1.1 and for a future version', async () => {
    assert.equal(
      await statusOf(authnRequest({ Version: '1.1' })),
      'VersionMismatch/RequestVersionTooLow',
    )
    assert.equal(
      await statusOf(authnRequest({ Version: '2.1' })),
      'VersionMismatch/RequestVersionTooHigh',
    )
  })

  it('InvalidNameIDPolicy for a format that is not to be had', async () => {
    const xml = authnRequest({}, `<samlp:NameIDPolicy Format="${nameIdFormats.emailAddress}"/>`)
    assert.equal(await statusOf(xml), 'Requester/InvalidNameIDPolicy')
  })

  it('NoAuthnContext for a class that nobody reaches here, before anybody types a password', async () => {
    const context = (ref: string) =>
      `<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>${ref}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`
    assert.equal(
      await statusOf(authnRequest({}, context('urn:example:retina'))),
      'Responder/NoAuthnContext',
    )
    const declaration =
      '<samlp:RequestedAuthnContext><saml:AuthnContextDeclRef>urn:d</saml:AuthnContextDeclRef></samlp:RequestedAuthnContext>'
    assert.equal(await statusOf(authnRequest({}, declaration)), 'Responder/NoAuthnContext')
  })

  it('RequestUnsupported for a Subject with a confirmation, or not in clear', async () => {
    for (const subject of [
      '<saml:NameID>x</saml:NameID><saml:SubjectConfirmation Method="urn:x"/>',
      '<saml:EncryptedID/>',
    ]) {
      const xml = authnRequest({}, `<saml:Subject>${subject}</saml:Subject>`)
      assert.equal(await statusOf(xml), 'Requester/RequestUnsupported')
    }
  })

  it('nothing, when the request names the person by an identifier that we can compare', async () => {
    const xml = authnRequest(
      {},
      `<saml:Subject><saml:NameID Format="${nameIdFormats.persistent}">abc</saml:NameID></saml:Subject>`,
    )
    const signOn = planSignOn(await accept(xml), undefined)
    assert.equal(signOn.subjectNameId, 'abc')
    assert.equal(signOn.nameIdFormat, nameIdFormats.persistent)
  })
})
