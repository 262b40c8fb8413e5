import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { ArtifactModel } from '../../src/oidc/oidc-model.ts'
import { approveRequest } from '../../src/registration/request-decision.ts'
import { findRequest } from '../../src/registration/request-store.ts'
import { sandboxTrials } from '../../src/registration/sandbox-trial-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { HttpClient } from '../support/http-client.ts'
import { forgetRegistrations, goodClient, RegistrationWalk } from './registration-walk.ts'

const redirectUri = 'https://app.example.org/callback'
const hourMs = 3_600_000

describe('The sandbox of an OpenID Connect client', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await forgetRegistrations()
    await sandboxTrials().deleteMany({})
  })

  /** A request that waits. */
  async function waiting(change: object = {}) {
    const owner = new RegistrationWalk(app.baseUrl)
    const sent = await owner.json(
      {
        metadata: goodClient('app.example.org', change),
        reasons: { mail: 'x', emailVerified: 'x' },
      },
      '/federation/register/request',
    )
    assert.equal(sent.status, 202, sent.body)
    const mail = await owner.mailTo('admin@app.example.org')
    const { token } = await owner.confirm(RegistrationWalk.linkIn(mail.text))
    const page = `/federation/request?token=${token}`
    return { owner, page, reference: sent.json.reference as string }
  }

  const fieldOf = (body: string, name: string) =>
    new RegExp(`<dt>${name}</dt><dd class="code">([^<]+)<`).exec(body)?.[1] ?? ''

  /** The same with an open sandbox, and what its owner reads on the page. */
  async function open(change: object = {}) {
    const request = await waiting(change)
    const answer = await request.owner.press('/federation/sandbox/open', request.page)
    assert.equal(answer.status, 303, answer.body)
    const { body } = await request.owner.client.get(request.page)
    return {
      ...request,
      issuer: fieldOf(body, 'Issuer'),
      clientId: fieldOf(body, 'client_id'),
      secret: fieldOf(body, 'client_secret'),
    }
  }

  type Open = Awaited<ReturnType<typeof open>>

  const journal = async ({ owner, page }: Pick<Open, 'owner' | 'page'>) =>
    unescapeHtml((await owner.client.get(`${page}&lang=en`)).body)

  /** A service that uses openid-client, begun a login. */
  async function begin(
    { issuer, clientId, secret }: Open,
    authentication = oidc.ClientSecretBasic(secret),
  ) {
    const configuration = await oidc.discovery(
      new URL(issuer),
      clientId,
      undefined,
      authentication,
      {
        execute: [oidc.allowInsecureRequests],
      },
    )
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const nonce = oidc.randomNonce()
    const url = async (parameters: Record<string, string> = {}) => {
      const { href } = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email',
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...parameters,
      })
      return href.slice(app.baseUrl.length)
    }
    const redeem = (location: string, pkceCodeVerifier = verifier) =>
      oidc.authorizationCodeGrant(configuration, new URL(location), {
        pkceCodeVerifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      })
    return { configuration, url, redeem }
  }

  /** Where the button of the page leads. */
  const wayOut = (body: string) =>
    unescapeHtml(/<a class="go[^"]*" href="([^"]+)"/.exec(body)?.[1] ?? '')

  it('signs the student who does not exist in, with code and PKCE', async () => {
    const request = await open()
    const { configuration, url, redeem } = await begin(request)
    const browser = new HttpClient(app.baseUrl)
    const shown = await browser.get(await url())
    assert.equal(shown.status, 200, shown.body)
    assert.equal(shown.headers.location, undefined)
    const location = wayOut(shown.body)
    assert.ok(location.startsWith(`${redirectUri}?`), location)
    const tokens = await redeem(location)
    const claims = tokens.claims()
    assert.equal(claims?.iss, request.issuer)
    assert.equal(claims?.aud, request.clientId)
    const userinfo = await oidc.fetchUserInfo(configuration, tokens.access_token, claims?.sub ?? '')
    assert.equal(userinfo.email, 'test-student@sandbox.invalid')
    assert.equal(userinfo.given_name, undefined)
    const told = await journal(request)
    for (const text of [
      'Your service read the discovery document.',
      'The authorization request was right, with PKCE.',
      'Your service got tokens.',
      'Your service read the person’s data.',
    ]) {
      assert.ok(told.includes(text), text)
    }
    assert.ok(!told.includes('class="state stop"'))
  })

  it('cannot be taken for us: another Issuer, other keys, an identifier of nobody', async () => {
    const request = await open()
    assert.ok(request.issuer.startsWith(`${app.baseUrl}/federation/sandbox/oidc/`))
    const { client } = request.owner
    const ours = JSON.parse((await client.get('/oidc/jwks')).body) as { keys: { n?: string }[] }
    const path = request.issuer.slice(app.baseUrl.length)
    const theirs = JSON.parse((await client.get(`${path}/jwks`)).body) as {
      keys: { n?: string; d?: string }[]
    }
    assert.equal(theirs.keys.length, 2)
    for (const key of theirs.keys) {
      assert.equal(key.d, undefined)
      assert.ok(!ours.keys.some(({ n }) => n !== undefined && n === key.n))
    }
    const discovery = JSON.parse(
      (await client.get(`${path}/.well-known/openid-configuration`)).body,
    ) as Record<string, unknown>
    assert.equal(discovery.issuer, request.issuer)
    assert.equal(discovery.token_endpoint, `${request.issuer}/token`)
    // The client is as unknown as before at the real Issuer.
    const real = await client.get(
      `/oidc/auth?client_id=${request.clientId}&redirect_uri=${redirectUri}&response_type=code&scope=openid`,
    )
    assert.equal(real.status, 400)
  })

  it('sets no cookie of a sign-in and keeps nothing among the real artefacts', async () => {
    const request = await open()
    const { url, redeem } = await begin(request)
    const browser = new HttpClient(app.baseUrl)
    const shown = await browser.get(await url())
    assert.doesNotMatch(String(shown.headers['set-cookie'] ?? ''), /oidc|session|sid/)
    await redeem(wayOut(shown.body))
    assert.equal(await ArtifactModel.countDocuments({}), 0)
    assert.equal((await browser.get('/account')).status, 303)
  })

  it('says what is wrong with a redirect_uri and sends nothing there', async () => {
    const request = await open()
    const { url } = await begin(request)
    const browser = new HttpClient(app.baseUrl)
    const shown = await browser.get(`${await url({ redirect_uri: `${redirectUri}/` })}&lang=en`)
    assert.equal(shown.status, 400)
    assert.equal(shown.headers.location, undefined)
    assert.equal(wayOut(shown.body), '')
    assert.match(shown.body, /is not one of those you registered/)
    assert.match(await journal(request), /redirect_uri=https:\/\/app\.example\.org\/callback\//)
  })

  it('sends an error to the registered address only by a person’s hand', async () => {
    const { url } = await begin(await open())
    const shown = await new HttpClient(app.baseUrl).get(await url({ response_type: 'token' }))
    assert.equal(shown.status, 400)
    assert.equal(shown.headers.location, undefined)
    assert.match(wayOut(shown.body), /^https:\/\/app\.example\.org\/callback[?#]error=/)
  })

  it('tells a wrong secret, a wrong verifier and a code used twice apart', async () => {
    const request = await open()
    const browser = new HttpClient(app.baseUrl)
    const wrong = await begin(request, oidc.ClientSecretBasic('x'.repeat(43)))
    const first = wayOut((await browser.get(await wrong.url())).body)
    await assert.rejects(wrong.redeem(first), { status: 401 })
    const right = await begin(request)
    const second = wayOut((await browser.get(await right.url())).body)
    await assert.rejects(right.redeem(second, oidc.randomPKCECodeVerifier()), {
      error: 'invalid_grant',
    })
    const third = wayOut((await browser.get(await right.url())).body)
    await right.redeem(third)
    await assert.rejects(right.redeem(third), { error: 'invalid_grant' })
    const told = await journal(request)
    assert.match(told, /did not prove who it is as it registered to/)
    assert.match(told, /code_verifier does not belong to the code_challenge/)
    assert.match(told, /unknown, used already or expired/)
    assert.ok(!told.includes('x'.repeat(43)))
  })

  it('posts a form_post answer by a button', async () => {
    const { url } = await begin(await open())
    const shown = await new HttpClient(app.baseUrl).get(await url({ response_mode: 'form_post' }))
    assert.equal(shown.status, 200)
    assert.match(shown.body, /<form method="post" action="https:\/\/app\.example\.org\/callback">/)
    assert.match(shown.body, /name="code" value="/)
    assert.match(
      String(shown.headers['content-security-policy']),
      /form-action[^;]* https:\/\/app\.example\.org/,
    )
  })

  it('holds a public client to PKCE, as we do', async () => {
    const request = await open({ token_endpoint_auth_method: 'none' })
    assert.equal(request.secret, '')
    const { url, redeem } = await begin(request, oidc.None())
    const browser = new HttpClient(app.baseUrl)
    const without = (await url()).replace(/&code_challenge[^&]*/g, '')
    const refused = await browser.get(without)
    assert.equal(refused.status, 400)
    assert.match(wayOut(refused.body), /error=invalid_request/)
    const tokens = await redeem(wayOut((await browser.get(await url())).body))
    assert.ok(tokens.access_token)
  })

  it('serves one client, and one request’s tokens mean nothing at another', async () => {
    const one = await open()
    const { url, redeem } = await begin(one)
    const browser = new HttpClient(app.baseUrl)
    const tokens = await redeem(wayOut((await browser.get(await url())).body))
    await ThrottleModel.deleteMany({})
    const other = await open({ redirect_uris: ['https://app.example.org/other'] })
    assert.notEqual(other.issuer, one.issuer)
    const stranger = await browser.get(
      `${other.issuer.slice(app.baseUrl.length)}/auth?client_id=${one.clientId}&redirect_uri=${redirectUri}&response_type=code&scope=openid&lang=en`,
    )
    assert.equal(stranger.status, 400)
    assert.match(stranger.body, /is not that of this request/)
    const path = `${other.issuer.slice(app.baseUrl.length)}/userinfo`
    const answer = await browser.send('GET', path, undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    })
    assert.equal(answer.status, 401)
    assert.match(await journal(other), /has no access token, or one that does not count/)
  })

  it('is open for an hour, while the request waits, to whoever has its name', async () => {
    const request = await open()
    const path = request.issuer.slice(app.baseUrl.length)
    const ask = async (where: string) =>
      (await new HttpClient(app.baseUrl).get(`${where}/.well-known/openid-configuration`)).status
    assert.equal(await ask(path), 200)
    assert.equal(await ask(path.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))), 404)
    assert.equal(await ask('/federation/sandbox/oidc/nothing'), 404)
    app.advance(hourMs + 1000)
    assert.equal(await ask(path), 404)
    assert.match(await journal(request), /The sandbox is closed/)
    await request.owner.press('/federation/sandbox/open', request.page)
    assert.equal(await ask(path), 200)
    await approveRequest(app.context, await findRequest(request.reference))
    assert.equal(await ask(path), 404)
    const again = await request.owner.press('/federation/sandbox/open', request.page)
    assert.equal(again.status, 409)
  })

  it('is opened by a button of the request’s page alone', async () => {
    const { owner, page } = await waiting()
    const token = page.slice(page.indexOf('=') + 1)
    const forged = await owner.client.post('/federation/sandbox/open', { token })
    assert.equal(forged.status, 403)
    const none = await owner.press('/federation/sandbox/open', page, '/?token=x')
    assert.equal(none.status, 404)
  })

  it('has a limit', async () => {
    const request = await open()
    const path = request.issuer.slice(app.baseUrl.length)
    const browser = new HttpClient(app.baseUrl)
    let status = 0
    for (let tries = 0; tries < 21; tries++) status = (await browser.get(`${path}/auth`)).status
    assert.equal(status, 429)
    assert.ok((await sandboxTrials().findOne({ _id: request.reference }))!.events.length <= 30)
  })
})
