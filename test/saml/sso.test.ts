import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { accounts } from '../../src/people/people-store.ts'
import { nameIdFormats, namespaces } from '../../src/saml/uris.ts'
import { sealFlow } from '../../src/sso/login-flow.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { HttpClient } from '../support/http-client.ts'
import { elements, makeKey, parse, redirectQuery, signMessage } from './saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  redirectOf,
  registerService,
  requestedAttributes,
  type ServiceOptions,
  serviceLibrary,
  signIn,
  statusOf,
} from './sso-support.ts'

const key = makeKey()
const plain = { entityId: 'https://plain.example.gr', acsUrl: 'https://plain.example.gr/acs' }
const strict: ServiceOptions = {
  entityId: 'https://strict.example.gr',
  acsUrl: 'https://strict.example.gr/acs',
  key,
  encrypt: true,
  requestsSigned: true,
  wantAssertionsSigned: true,
}
const pending = {
  entityId: 'https://pending.example.gr',
  acsUrl: 'https://pending.example.gr/acs',
  approve: false,
}

let app: TestApp
before(async () => {
  app = await startTestApp()
  for (const service of [plain, strict, pending]) await registerService(service)
})
after(() => app.close())

let requests = 0

/** An unsigned AuthnRequest of the plain service. */
function request(
  attributes: Record<string, string | undefined> = {},
  content = '',
  entityId = plain.entityId,
) {
  const all: Record<string, string | undefined> = {
    ID: `_r${++requests}`,
    Version: '2.0',
    IssueInstant: app.context.now().toISOString(),
    Destination: `${app.baseUrl}/saml/sso`,
    ...attributes,
  }
  const written = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('')
  return `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}"${written}><saml:Issuer xmlns:saml="${namespaces.saml}">${entityId}</saml:Issuer>${content}</samlp:AuthnRequest>`
}

const ssoPath = (xml: string, relayState?: string) =>
  `/saml/sso?${redirectQuery(xml, { relayState })}`
const base64 = (xml: string) => Buffer.from(xml).toString('base64')

async function signedInPerson() {
  const someone = await newPerson(app)
  const first = await someone.client.get(ssoPath(request()))
  postedForm(await signIn(someone.client, first, someone.account.username))
  return someone
}

describe('SAML SSO: signing in at a service', () => {
  for (const service of [plain, strict]) {
    it(`reaches ${service.entityId}, whose library (node-saml) accepts what it gets`, async () => {
      const { client, account } = await newPerson(app)
      const library = serviceLibrary(app, service)
      const start = pathOf(
        await library.getAuthorizeUrlAsync('https://plain.example.gr/?a=1&b=2', undefined, {}),
      )
      const form = postedForm(await signIn(client, await client.get(start), account.username))
      assert.equal(form.action, service.acsUrl)
      assert.equal(form.relayState, 'https://plain.example.gr/?a=1&b=2')
      const { profile } = await library.validatePostResponseAsync({
        SAMLResponse: form.SAMLResponse,
      })
      assert.equal(profile!.issuer, `${app.baseUrl}/saml/metadata`)
      assert.equal(profile!.nameIDFormat, nameIdFormats.transient)
      assert.equal(
        profile![requestedAttributes.eduPersonPrincipalName],
        `${account.username}@uni.example.gr`,
      )
      const affiliations = profile![requestedAttributes.eduPersonScopedAffiliation] as string[]
      assert.deepEqual([...affiliations].sort(), [
        'member@uni.example.gr',
        'student@uni.example.gr',
      ])
      assert.equal(/EncryptedAssertion/.test(form.xml), service === strict)
    })
  }

  it('works by HTTP-POST too, signed, with the session of another service', async () => {
    const { client } = await signedInPerson()
    const library = serviceLibrary(app, strict, {
      authnRequestBinding: 'HTTP-POST',
      // Bindings 3.5.4: only HTTP-Redirect deflates.
      skipRequestCompression: true,
    })
    const page = await library.getAuthorizeFormAsync('relay')
    const SAMLRequest = /name="SAMLRequest" value="([^"]+)"/.exec(page)![1]!
    const form = postedForm(await client.post('/saml/sso', { SAMLRequest, RelayState: 'relay' }))
    assert.equal(form.relayState, 'relay')
    const { profile } = await library.validatePostResponseAsync({ SAMLResponse: form.SAMLResponse })
    assert.ok(profile)
  })

  it('finds the session although a form from another site brings no cookie', async () => {
    const { client } = await signedInPerson()
    const withoutCookies = new HttpClient(app.baseUrl)
    const bounced = await withoutCookies.post('/saml/sso', { SAMLRequest: base64(request()) })
    const path = redirectOf(bounced)
    assert.match(path, /^\/saml\/sso\/resume\?flow=/)
    assert.equal(statusOf(postedForm(await client.get(path)).xml), 'Success')
    const stranger = await withoutCookies.get(path)
    assert.match(redirectOf(stranger), /^\/login\?flow=/)
  })

  it('asks for the password once; each service gets identifiers of its own', async () => {
    const { client } = await signedInPerson()
    const persistent = `<samlp:NameIDPolicy Format="${nameIdFormats.persistent}" AllowCreate="true"/>`
    const read = async (content: string) => {
      const { xml } = postedForm(await client.get(ssoPath(request({}, content))))
      const document = parse(xml)
      return {
        nameId: elements(document, 'NameID')[0]!.textContent!,
        sessionIndex: elements(document, 'AuthnStatement')[0]!.getAttribute('SessionIndex'),
      }
    }
    const first = await read('')
    assert.deepEqual(await read(''), first)
    const stable = await read(persistent)
    assert.equal(stable.sessionIndex, first.sessionIndex)
    assert.match(stable.nameId, /^[a-z2-7]{32}$/)
    const other = { entityId: 'https://third.example.gr', acsUrl: 'https://third.example.gr/acs' }
    await registerService(other)
    const third = postedForm(await client.get(ssoPath(request({}, persistent, other.entityId)))).xml
    assert.doesNotMatch(third, new RegExp(`${stable.nameId}|${first.sessionIndex}`))
  })

  it('carries RelayState unharmed, and as text, not as markup', async () => {
    const { client } = await signedInPerson()
    const nasty = `"><script>alert(1)</script>&amp;'Ω`
    const answer = await client.get(ssoPath(request(), nasty))
    assert.doesNotMatch(answer.body, /<script>alert/)
    const escaped = /name="RelayState" value="([^"]*)"/.exec(answer.body)![1]!
    assert.equal(unescapeHtml(escaped), nasty)
  })

  it('lets the page post to the service, and nobody keep it', async () => {
    const { client } = await signedInPerson()
    const { headers } = await client.get(ssoPath(request()))
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /form-action 'self' https:\/\/plain\.example\.gr( https:)?(;|$)/)
    assert.equal(headers['cache-control'], 'no-store')
  })

  it('writes to the audit log what was released, without the values', async () => {
    const { client, account, person } = await signedInPerson()
    await client.get(ssoPath(request()))
    await app.context.audit.close()
    const events = await AuditModel.find({ event: 'saml.response', personId: person._id }).lean()
    const [event] = events
    assert.equal(event!.service, plain.entityId)
    assert.equal(event!.result, 'success')
    const text = JSON.stringify(event)
    assert.match(text, /eduPersonPrincipalName/)
    assert.ok(!text.includes(`${account.username}@`))
    assert.ok(!text.includes('Παπαδοπούλου'))
  })
})

describe('SAML SSO: ForceAuthn and IsPassive', () => {
  it('ForceAuthn asks for the password in spite of the session, and states the new instant', async () => {
    const { client, account } = await signedInPerson()
    const instantOf = (xml: string) =>
      Date.parse(elements(parse(xml), 'AuthnStatement')[0]!.getAttribute('AuthnInstant')!)
    const before = instantOf(postedForm(await client.get(ssoPath(request()))).xml)
    app.advance(60_000)
    const start = await client.get(ssoPath(request({ ForceAuthn: 'true' })))
    const form = postedForm(await signIn(client, start, account.username))
    assert.ok(instantOf(form.xml) >= before + 60_000)
  })

  it('ForceAuthn is not satisfied by going straight to where the sign-in would come back', async () => {
    const { client } = await signedInPerson()
    app.advance(1000)
    const start = await client.get(ssoPath(request({ ForceAuthn: '1' })))
    const resume = redirectOf(start).replace('/login?', '/saml/sso/resume?')
    assert.match(redirectOf(await client.get(resume)), /^\/login\?flow=/)
  })

  it('ForceAuthn gets one answer from one password, of requests made before it too', async () => {
    const { client, account } = await signedInPerson()
    app.advance(1000)
    const [first, second] = [
      await client.get(ssoPath(request({ ForceAuthn: 'true' }))),
      await client.get(ssoPath(request({ ForceAuthn: 'true' }))),
    ]
    app.advance(1000)
    const answer = await signIn(client, first, account.username)
    assert.equal(statusOf(postedForm(answer).xml), 'Success')
    for (const start of [first, second]) {
      const resume = redirectOf(start).replace('/login?', '/saml/sso/resume?')
      assert.match(redirectOf(await client.get(resume)), /^\/login\?flow=/)
    }
    const again = await signIn(client, second, account.username)
    assert.equal(statusOf(postedForm(again).xml), 'Success')
  })

  it('IsPassive without a session is answered NoPassive, by either binding', async () => {
    const client = new HttpClient(app.baseUrl)
    const xml = request({ IsPassive: 'true' })
    const form = postedForm(await client.get(ssoPath(xml, 'r')))
    assert.equal(statusOf(form.xml), 'Responder/NoPassive')
    assert.equal(form.relayState, 'r')
    assert.doesNotMatch(form.xml, /Assertion[ >]/)
    const posted = await client.post('/saml/sso', {
      SAMLRequest: base64(request({ IsPassive: '1' })),
    })
    const answer = await client.get(redirectOf(posted))
    assert.equal(statusOf(postedForm(answer).xml), 'Responder/NoPassive')
  })

  it('IsPassive with a session is answered from it, but not together with ForceAuthn', async () => {
    const { client } = await signedInPerson()
    const passive = await client.get(ssoPath(request({ IsPassive: 'true' })))
    assert.equal(statusOf(postedForm(passive).xml), 'Success')
    app.advance(1000)
    const both = await client.get(ssoPath(request({ IsPassive: 'true', ForceAuthn: 'true' })))
    assert.equal(statusOf(postedForm(both).xml), 'Responder/NoPassive')
  })
})

describe('SAML SSO: refusals', () => {
  const client = () => new HttpClient(app.baseUrl)

  async function isErrorPage(path: string, status: number, code: string) {
    const answer = await client().get(path)
    assert.equal(answer.status, status)
    assert.match(answer.body, new RegExp(code))
    assert.doesNotMatch(answer.body, /SAMLResponse/)
    assert.equal(answer.headers.location, undefined)
  }

  it('shows a page for a service that is not registered, or not approved', async () => {
    await isErrorPage(ssoPath(request({}, '', 'https://x.example')), 403, 'SAML_SERVICE_UNKNOWN')
    await isErrorPage(ssoPath(request({}, '', pending.entityId)), 403, 'SAML_SERVICE_NOT_APPROVED')
  })

  it('shows a page, and sends nothing anywhere, for an address that is not registered', async () => {
    const xml = request({ AssertionConsumerServiceURL: 'https://evil.example/acs' })
    await isErrorPage(ssoPath(xml), 400, 'SAML_ENDPOINT_NOT_REGISTERED')
  })

  it('shows a page when the message is missing, broken, stale or for another provider', async () => {
    await isErrorPage('/saml/sso', 400, 'SAML_MESSAGE_INVALID')
    await isErrorPage('/saml/sso?SAMLRequest=AAAA', 400, 'SAML_MESSAGE_INVALID')
    const old = request({ IssueInstant: '2020-01-01T00:00:00Z' })
    await isErrorPage(ssoPath(old), 400, 'SAML_REQUEST_EXPIRED')
    const other = request({ Destination: 'https://other.example/sso' })
    await isErrorPage(ssoPath(other), 400, 'SAML_DESTINATION_MISMATCH')
  })

  it('keeps a record of requests that somebody may have forged', async () => {
    const evil = 'https://forger.example/acs'
    await client().get(ssoPath(request({ AssertionConsumerServiceURL: evil })))
    await app.context.audit.close()
    const events = await AuditModel.find({ event: 'saml.request' }).lean()
    const event = events.find(({ details }) => JSON.stringify(details ?? {}).includes(evil))
    assert.equal(event?.reason, 'SAML_ENDPOINT_NOT_REGISTERED')
    assert.equal(event?.result, 'failure')
  })

  it('shows a page for an unsigned request of a service that signs', async () => {
    const xml = request({}, '', strict.entityId)
    await isErrorPage(ssoPath(xml), 400, 'SAML_SIGNATURE_REQUIRED')
    const { client: signedIn } = await signedInPerson()
    const answer = await signedIn.get(ssoPath(xml))
    assert.doesNotMatch(answer.body, /SAMLResponse/)
  })

  it('tells a known service by Status what it asked in vain, without asking anybody to sign in', async () => {
    for (const [content, status] of [
      [
        `<samlp:NameIDPolicy Format="${nameIdFormats.emailAddress}"/>`,
        'Requester/InvalidNameIDPolicy',
      ],
      [
        `<samlp:RequestedAuthnContext><saml:AuthnContextClassRef xmlns:saml="${namespaces.saml}">urn:example:retina</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`,
        'Responder/NoAuthnContext',
      ],
    ]) {
      const form = postedForm(await client().get(ssoPath(request({}, content))))
      assert.equal(statusOf(form.xml), status)
      assert.equal(form.action, plain.acsUrl)
    }
    const old = postedForm(await client().get(ssoPath(request({ Version: '1.1' }))))
    assert.equal(statusOf(old.xml), 'VersionMismatch/RequestVersionTooLow')
  })

  it('says UnknownPrincipal when somebody else is signed in than the request names', async () => {
    const { client: signedIn } = await signedInPerson()
    const subject = `<saml:Subject xmlns:saml="${namespaces.saml}"><saml:NameID Format="${nameIdFormats.persistent}">somebodyelse</saml:NameID></saml:Subject>`
    const form = postedForm(await signedIn.get(ssoPath(request({}, subject))))
    assert.equal(statusOf(form.xml), 'Responder/UnknownPrincipal')
    assert.doesNotMatch(form.xml, /<saml:Assertion/)
  })

  it('gives no assertion once the account is disabled, session or not', async () => {
    const { client: signedIn, person } = await signedInPerson()
    await accounts().updateOne({ _id: person._id as never }, { $set: { state: 'disabled' } })
    const answer = await signedIn.get(ssoPath(request()))
    assert.match(redirectOf(answer), /^\/login\?flow=/)
  })

  it('does not go on with a flow of another protocol, or one that is older than it may be', async () => {
    const { client: signedIn } = await signedInPerson()
    const foreign = sealFlow(app.context, {
      resume: '/oidc/interaction/x',
      service: { protocol: 'saml', id: plain.entityId },
      state: { destination: plain.acsUrl },
    })
    const answer = await signedIn.get(`/saml/sso/resume?flow=${foreign}`)
    assert.equal(answer.status, 400)
    assert.doesNotMatch(answer.body, /SAMLResponse/)
  })

  it('refuses a signed request by HTTP-POST that was changed on the way', async () => {
    const xml = signMessage(request({}, '', strict.entityId), key)
    const changed = xml.replace(/_r\d+/, '_changed')
    const answer = await client().post('/saml/sso', { SAMLRequest: base64(changed) })
    assert.equal(answer.status, 400)
    assert.match(answer.body, /SAML_SIGNATURE_INVALID/)
  })
})

describe('SAML SSO: unsolicited', () => {
  it('takes people from a link to the service, RelayState being the target', async () => {
    const { client, account } = await newPerson(app)
    const target = 'https://plain.example.gr/course?id=7'
    const query = new URLSearchParams({ providerId: plain.entityId, target })
    const start = await client.get(`/saml/unsolicited?${query}`)
    const form = postedForm(await signIn(client, start, account.username))
    assert.equal(form.relayState, target)
    assert.equal(statusOf(form.xml), 'Success')
    assert.doesNotMatch(form.xml, /InResponseTo/)
  })

  it('sends nothing to an address that is not in the metadata', async () => {
    const { client } = await signedInPerson()
    const query = new URLSearchParams({
      providerId: plain.entityId,
      shire: 'https://evil.example/acs',
    })
    const answer = await client.get(`/saml/unsolicited?${query}`)
    assert.equal(answer.status, 400)
    assert.match(answer.body, /SAML_ENDPOINT_NOT_REGISTERED/)
  })

  it('needs to know the service', async () => {
    const { client } = await newPerson(app)
    assert.equal((await client.get('/saml/unsolicited')).status, 400)
    assert.equal((await client.get('/saml/unsolicited?providerId=https://x.example')).status, 403)
  })
})

describe("SAML SSO: an administrator's word", () => {
  it('signs the assertion, or leaves it in clear, where the override says so', async () => {
    const service = { ...strict, entityId: 'https://ruled.example.gr', requestsSigned: false }
    await registerService({ ...service, wantAssertionsSigned: false })
    const { client } = await signedInPerson()
    const ask = async () =>
      postedForm(await client.get(ssoPath(request({}, '', service.entityId)))).xml
    assert.match(await ask(), /EncryptedAssertion/)
    await setServiceOverrides(service.entityId, { encryptAssertions: false })
    const clear = await ask()
    assert.doesNotMatch(clear, /EncryptedAssertion/)
    assert.equal(elements(parse(clear), 'Signature').length, 1)
    await setServiceOverrides(service.entityId, { encryptAssertions: false, signAssertions: true })
    assert.equal(elements(parse(await ask()), 'Signature').length, 2)
  })

  it('keeps the principal name from a service it is blocked for, as NameID too', async () => {
    const service = {
      entityId: 'https://named.example.gr',
      acsUrl: 'https://named.example.gr/acs',
      nameIdFormats: [nameIdFormats.unspecified],
    }
    await registerService(service)
    const { client, account } = await signedInPerson()
    const ask = async () =>
      postedForm(await client.get(ssoPath(request({}, '', service.entityId)))).xml
    assert.equal(
      elements(parse(await ask()), 'NameID')[0]!.textContent,
      `${account.username}@uni.example.gr`,
    )
    await setServiceOverrides(service.entityId, { block: ['eduPersonPrincipalName'] })
    const blocked = await ask()
    assert.equal(statusOf(blocked), 'Requester/InvalidNameIDPolicy')
    assert.ok(!blocked.includes(account.username))
  })
})

describe('SAML metadata over HTTP', () => {
  it('is served as SAML metadata, and not again to who has it', async () => {
    const url = `${app.baseUrl}/saml/metadata`
    const first = await fetch(url)
    assert.equal(first.headers.get('content-type'), 'application/samlmetadata+xml')
    const xml = await first.text()
    assert.equal(parse(xml).documentElement.getAttribute('entityID'), url)
    const etag = first.headers.get('etag')!
    const again = await fetch(url, {
      headers: { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' },
    })
    assert.equal(again.status, 304)
    assert.equal(await again.text(), '')
    assert.equal(first.headers.get('set-cookie'), null)
  })
})
