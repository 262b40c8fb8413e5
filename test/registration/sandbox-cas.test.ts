import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { tickets } from '../../src/cas/ticket-model.ts'
import { findCasServiceFor } from '../../src/federation/service-store.ts'
import { approveRequest } from '../../src/registration/request-decision.ts'
import { findRequest } from '../../src/registration/request-store.ts'
import { sandboxTrials } from '../../src/registration/sandbox-trial-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { HttpClient } from '../support/http-client.ts'
import { forgetRegistrations, RegistrationWalk } from './registration-walk.ts'

const service = 'https://app.example.org/app/page?x=1'

describe('The sandbox of a CAS service', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await forgetRegistrations()
    await sandboxTrials().deleteMany({})
  })

  /** A request that waits, its sandbox open unless it is to stay closed. */
  async function open({ host = 'app.example.org', isClosed = false, attributes = ['mail'] } = {}) {
    const owner = new RegistrationWalk(app.baseUrl)
    const sent = await owner.json(
      {
        metadata: {
          cas_service: `https://${host}/app`,
          'client_name#en': 'CAS service',
          policy_uri: `https://${host}/privacy`,
          contacts: [`admin@${host}`],
          attributes,
        },
        reasons: Object.fromEntries(attributes.map((name) => [name, 'x'])),
      },
      '/federation/register/request',
    )
    assert.equal(sent.status, 202, sent.body)
    const mail = await owner.mailTo(`admin@${host}`)
    const { token } = await owner.confirm(RegistrationWalk.linkIn(mail.text))
    const page = `/federation/request?token=${token}`
    if (!isClosed) {
      assert.equal((await owner.press('/federation/sandbox/open', page)).status, 303)
    }
    const { body } = await owner.client.get(`${page}&lang=en`)
    const server = /<dt>CAS server \(address\)<\/dt><dd class="code">([^<]+)</.exec(body)?.[1] ?? ''
    const reference = sent.json.reference as string
    return { owner, page, reference, server: server.slice(app.baseUrl.length), body }
  }

  type Open = Awaited<ReturnType<typeof open>>
  const journal = async ({ owner, page }: Open) =>
    unescapeHtml((await owner.client.get(`${page}&lang=en`)).body)
  const browser = () => new HttpClient(app.baseUrl)
  const login = ({ server }: Open, address = service, more = '') =>
    browser().get(`${server}/login?service=${encodeURIComponent(address)}${more}`)
  const wayOut = (body: string) =>
    unescapeHtml(/<a class="go[^"]*" href="([^"]+)"/.exec(body)?.[1] ?? '')
  const validate = async (
    { server }: Pick<Open, 'server'>,
    ticket: string,
    { path = 'p3/serviceValidate', address = service, more = '' } = {},
  ) =>
    (
      await browser().get(
        `${server}/${path}?service=${encodeURIComponent(address)}&ticket=${ticket}${more}`,
      )
    ).body

  async function ticketOf(request: Open): Promise<string> {
    const { status, body, headers } = await login(request)
    assert.equal(status, 200, body)
    assert.equal(headers.location, undefined)
    assert.match(headers['cache-control'] ?? '', /no-store/)
    const location = wayOut(body)
    assert.ok(location.startsWith(`${service}&ticket=ST-`), location)
    return new URL(location).searchParams.get('ticket') ?? ''
  }

  it('signs the student who does not exist in, whose data are nobody’s', async () => {
    const request = await open()
    assert.match(request.server, /^\/federation\/sandbox\/cas\/[A-Z2-9]{3}-[A-Z2-9]{3}\.[\w-]{16}$/)
    const answer = await validate(request, await ticketOf(request))
    assert.match(answer, /<cas:user>test-student<\/cas:user>/)
    assert.match(answer, /<cas:mail>test-student@sandbox\.invalid<\/cas:mail>/)
    assert.doesNotMatch(answer, /displayName/)
    const told = await journal(request)
    for (const text of ['asked for a sign-in at a page of its own', 'learned who signed in']) {
      assert.ok(told.includes(text), text)
    }
  })

  it('answers in each of the protocol’s ways, and says which of them gives no attributes', async () => {
    const request = await open()
    assert.equal(
      await validate(request, await ticketOf(request), { path: 'validate' }),
      'yes\ntest-student\n',
    )
    const plain = await validate(request, await ticketOf(request), { path: 'serviceValidate' })
    assert.match(plain, /<cas:user>test-student/)
    assert.doesNotMatch(plain, /cas:mail/)
    assert.match(await journal(request), /gives no attributes/)
    const json = await validate(request, await ticketOf(request), { more: '&format=JSON' })
    assert.equal(
      JSON.parse(json).serviceResponse.authenticationSuccess.attributes.mail,
      'test-student@sandbox.invalid',
    )
    const ticket = await ticketOf(request)
    const soap = `<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><samlp:Request xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol" RequestID="_1"><samlp:AssertionArtifact>${ticket}</samlp:AssertionArtifact></samlp:Request></SOAP-ENV:Body></SOAP-ENV:Envelope>`
    const { body } = await browser().send(
      'POST',
      `${request.server}/samlValidate?TARGET=${encodeURIComponent(service)}`,
      soap,
      { 'content-type': 'text/xml' },
    )
    assert.match(body, /NameIdentifier>test-student</)
    assert.match(body, /Issuer="[^"]*\/federation\/sandbox\/metadata"/)
  })

  it('posts the ticket by a button when the service asks for that', async () => {
    const request = await open()
    const { body, headers } = await login(request, service, '&method=POST')
    assert.match(
      unescapeHtml(body),
      /<form method="post" action="https:\/\/app\.example\.org\/app\/page/,
    )
    assert.match(body, /name="ticket" value="ST-/)
    assert.match(String(headers['content-security-policy']), /form-action[^;]*app\.example\.org/)
  })

  it('takes a ticket once, for its address, in its own sandbox, for ten minutes', async () => {
    const request = await open()
    const other = await open({ host: 'other.example.org' })
    const used = await ticketOf(request)
    assert.match(await validate(request, used), /authenticationSuccess/)
    assert.match(await validate(request, used), /code="INVALID_TICKET"/)
    const elsewhere = { address: 'https://app.example.org/app/elsewhere' }
    const moved = await ticketOf(request)
    assert.match(await validate(request, moved, elsewhere), /code="INVALID_SERVICE"/)
    assert.match(await validate(request, moved), /code="INVALID_TICKET"/)
    const foreign = await ticketOf(request)
    assert.match(await validate(other, foreign), /code="INVALID_TICKET"/)
    const late = await ticketOf(request)
    app.advance(600_000)
    assert.match(await validate(request, late), /code="INVALID_TICKET"/)
    const proxied = await ticketOf(request)
    const more = `&pgtUrl=${encodeURIComponent(service)}`
    assert.match(await validate(request, proxied, { more }), /code="UNAUTHORIZED_SERVICE_PROXY"/)
    const told = await journal(request)
    for (const text of [
      'used already or expired',
      'differs from that of',
      'speak to other services',
    ]) {
      assert.ok(told.includes(text), text)
    }
  })

  it('is not the real CAS server: neither takes the other’s tickets, and no person is in it', async () => {
    const request = await open()
    const ticket = await ticketOf(request)
    assert.equal(await tickets().countDocuments({}), 0)
    for (const path of ['serviceValidate', 'p3/serviceValidate', 'proxyValidate']) {
      assert.match(await validate({ server: '/cas' }, ticket, { path }), /code="INVALID_TICKET"/)
    }
    assert.equal(await findCasServiceFor(service), undefined)
    const real = await browser().get(`/cas/login?service=${encodeURIComponent(service)}`)
    assert.equal(real.status, 403)
    assert.match(await validate(request, `ST-${'x'.repeat(29)}`), /code="INVALID_TICKET"/)
    assert.match(await validate(request, ticket), /test-student/)
  })

  it('sends nothing to an address that was not registered, and says what is wrong', async () => {
    const request = await open()
    for (const wrong of [
      'https://evil.example/app',
      'https://app.example.org.evil.example/app',
      'https://app.example.org/other',
      'https://app.example.org/application',
      'https://app.example.org/app/../other',
      'https://app.example.org/app/%2e%2e/other',
      'https://app.example.org@evil.example/app',
      'http://app.example.org/app',
      'javascript:alert(1)//app.example.org/app',
    ]) {
      const { status, body } = await login(request, wrong)
      assert.equal(status, 400, wrong)
      assert.doesNotMatch(
        body,
        /ST-|class="go|<form method="post" action="(https?|javascript)/,
        wrong,
      )
    }
    const shown = await login(
      request,
      'https://evil.example/"><script>alert(1)</script>',
      '&lang=en',
    )
    assert.doesNotMatch(shown.body, /<script>alert/)
    const none = await browser().get(`${request.server}/login`)
    assert.equal(none.status, 400)
    const told = await journal(request)
    assert.match(told, /is not one of those you registered/)
    assert.match(told, /lacks the service’s address/)
  })

  it('says so when the service calls what is not there, and knows where signing out ends', async () => {
    const request = await open()
    assert.equal((await browser().get(`${request.server}/cas/login`)).status, 404)
    assert.equal((await browser().get(`${request.server}/logout`)).status, 200)
    const told = await journal(request)
    assert.match(told, /called an address that does not exist here/)
    assert.match(told, /sent the person to sign out/)
  })

  it('is open for an hour, to who knows its name, as long as the request waits', async () => {
    const closed = await open({ host: 'closed.example.org', isClosed: true })
    assert.equal(closed.server, '')
    const request = await open()
    const status = async (server = request.server) =>
      (await browser().get(`${server}/login?service=${encodeURIComponent(service)}`)).status
    assert.equal(await status(), 200)
    assert.equal(await status(request.server.replace('/cas/', '/oidc/')), 404)
    assert.equal(await status(request.server.slice(0, -1)), 404)
    assert.equal(await status(`${request.server.slice(0, -16)}${'A'.repeat(16)}`), 404)
    app.advance(3_600_000)
    assert.equal(await status(), 404)
    await request.owner.press('/federation/sandbox/open', request.page)
    const ticket = await ticketOf(request)
    await approveRequest(app.context, await findRequest(request.reference))
    assert.equal(await status(), 404)
    assert.doesNotMatch(await validate(request, ticket), /test-student/)
  })
})
