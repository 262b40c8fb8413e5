import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { ArtifactModel } from '../../src/oidc/oidc-model.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { Browser, type Page } from './browser.ts'
import { addClient, defaultScope, redirectUri, TestService } from './relying-party-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

/** A student with a session, a service she signed in to, and what the service got. */
async function signedIn(change: Record<string, unknown> = {}, parameters = {}) {
  const { person, account } = await addPerson()
  const browser = new Browser(app.baseUrl)
  const { clientId, clientSecret } = await addClient(change)
  const service = await TestService.discover(
    app.baseUrl,
    clientId,
    client.ClientSecretBasic(clientSecret),
  )
  const tokens = await service.signIn(browser, account.username, parameters)
  const post = (path: string, fields: Record<string, string>) =>
    fetch(`${app.baseUrl}/oidc/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams(fields),
    })
  return { person, account, browser, service, tokens, clientId, clientSecret, post }
}

function userInfoStatus(accessToken: string): Promise<number> {
  return fetch(`${app.baseUrl}/oidc/userinfo`, {
    headers: { authorization: `Bearer ${accessToken}` },
  }).then((response) => response.status)
}

describe('OIDC: codes', () => {
  it('are redeemed once: a second use fails and takes the first one’s tokens along (RFC 6749 4.1.2)', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const tokens = await service.redeem(page)
    assert.equal(await userInfoStatus(tokens.access_token), 200)
    await assert.rejects(service.redeem(page), { error: 'invalid_grant' })
    assert.equal(await userInfoStatus(tokens.access_token), 401)
    await assert.rejects(
      client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      { error: 'invalid_grant' },
    )
  })

  it('give at most one success when redeemed twenty times at once, and leave no token usable', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => service.redeem(page)),
    )
    const successes = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    assert.ok(successes.length <= 1, `${successes.length} redemptions succeeded`)
    for (const { value } of successes) assert.equal(await userInfoStatus(value.access_token), 401)
  })

  it('leave the person able to sign in to the service again after such an attack', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const stolen = await service.redeem(page)
    await assert.rejects(service.redeem(page))
    const fresh = await service.redeem(await browser.open(await service.authorizationUrl()))
    assert.equal(await userInfoStatus(fresh.access_token), 200)
    assert.equal(await userInfoStatus(stolen.access_token), 401)
  })

  it('are worth nothing after a minute', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    app.advance(61_000)
    await assert.rejects(service.redeem(page), { error: 'invalid_grant' })
  })

  it('belong to the client and the redirect_uri they were made for', async () => {
    const { service, browser } = await signedIn()
    const thief = await TestService.create(app.baseUrl)
    await thief.authorizationUrl()
    const page = await browser.open(await service.authorizationUrl())
    const state = new URL(page.location ?? '').searchParams.get('state') ?? ''
    await assert.rejects(thief.redeem(page, { expectedState: state }), { error: 'invalid_grant' })
  })

  it('need the verifier of their challenge (RFC 7636 4.6)', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    await assert.rejects(service.redeem(page, { pkceCodeVerifier }), { error: 'invalid_grant' })
  })
})

describe('OIDC: refresh tokens', () => {
  it('rotate, and a used one revokes them all (RFC 9700 4.14.2)', async () => {
    const { service, tokens } = await signedIn()
    const second = await client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? '')
    assert.ok(second.refresh_token)
    assert.notEqual(second.refresh_token, tokens.refresh_token)
    assert.equal(await userInfoStatus(second.access_token), 200)
    await assert.rejects(
      client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      { error: 'invalid_grant' },
    )
    await assert.rejects(client.refreshTokenGrant(service.configuration, second.refresh_token), {
      error: 'invalid_grant',
    })
    assert.equal(await userInfoStatus(second.access_token), 401)
  })

  it('give at most one success when used ten times at once', async () => {
    const { service, tokens } = await signedIn()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      ),
    )
    const successes = outcomes.filter(({ status }) => status === 'fulfilled')
    assert.ok(successes.length <= 1, `${successes.length} refreshes succeeded`)
  })

  it('go only to services that registered the grant', async () => {
    const { tokens } = await signedIn({ grant_types: ['authorization_code'] })
    assert.equal(tokens.refresh_token, undefined)
  })

  it('end with the session', async () => {
    const { person, service, tokens } = await signedIn()
    await endEverywhere(app.context, person._id)
    await assert.rejects(
      client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      { error: 'invalid_grant' },
    )
    assert.equal(await userInfoStatus(tokens.access_token), 401)
  })

  it('outlive it with offline_access, which prompt=consent asks for (OIDC Core 11)', async () => {
    const { browser, service, tokens } = await signedIn(
      {},
      { scope: `${defaultScope} offline_access`, prompt: 'consent' },
    )
    assert.match(String(tokens.scope), /offline_access/)
    const page = await browser.open('/logout')
    await browser.submit(page, '/logout', { _csrf: hiddenField(page.body, '_csrf') })
    const refreshed = await client.refreshTokenGrant(
      service.configuration,
      tokens.refresh_token ?? '',
    )
    assert.equal(await userInfoStatus(refreshed.access_token), 200)
  })
})

describe('OIDC: what the store holds', () => {
  it('is neither code nor token: a copy of it opens nothing', async () => {
    const { service, browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const code = new URL(page.location ?? '').searchParams.get('code') ?? ''
    const tokens = await service.redeem(page)
    const everything = JSON.stringify(await ArtifactModel.find().lean())
    for (const secret of [code, tokens.access_token, tokens.refresh_token ?? '']) {
      assert.ok(secret.length > 20)
      assert.equal(everything.includes(secret), false)
    }
  })
})

describe('OIDC: revocation and introspection', () => {
  it('a revoked refresh token is gone (RFC 7009)', async () => {
    const { service, tokens } = await signedIn()
    await client.tokenRevocation(service.configuration, tokens.refresh_token ?? '')
    await assert.rejects(
      client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      { error: 'invalid_grant' },
    )
  })

  it('introspection tells a live token from a dead one (RFC 7662)', async () => {
    const { person, service, tokens } = await signedIn()
    const live = await client.tokenIntrospection(service.configuration, tokens.access_token)
    assert.equal(live.active, true)
    await endEverywhere(app.context, person._id)
    const dead = await client.tokenIntrospection(service.configuration, tokens.access_token)
    assert.equal(dead.active, false)
  })
})

describe('OIDC: pushed authorization requests (RFC 9126)', () => {
  it('work once', async () => {
    const { browser, clientId, post } = await signedIn()
    const pushed = await post('par', {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: defaultScope,
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    })
    assert.equal(pushed.status, 201)
    const { request_uri } = (await pushed.json()) as { request_uri: string }
    const url = `${app.baseUrl}/oidc/auth?${new URLSearchParams({ client_id: clientId, request_uri })}`
    assert.ok(new URL((await browser.open(url)).location ?? '').searchParams.get('code'))
    const again = await browser.open(url)
    assert.equal(again.location?.includes('code=') ?? false, false)
  })
})

describe('OIDC: calls from browsers (CORS)', () => {
  const ask = (origin: string, accessToken: string) =>
    fetch(`${app.baseUrl}/oidc/userinfo`, {
      headers: { origin, authorization: `Bearer ${accessToken}` },
    })

  it('are allowed from the origin of a registered redirect_uri only', async () => {
    const { tokens } = await signedIn()
    const own = await ask('https://service.example', tokens.access_token)
    assert.equal(own.headers.get('access-control-allow-origin'), 'https://service.example')
    const other = await ask('https://evil.example', tokens.access_token)
    assert.equal(other.headers.get('access-control-allow-origin'), null)
    assert.equal(other.status, 400)
  })

  it('are not allowed from the origin "null", which an app’s own scheme and any sandboxed frame have', async () => {
    const { clientId } = await addClient({
      application_type: 'native',
      client_secret: undefined,
      token_endpoint_auth_method: 'none',
      redirect_uris: ['org.example.app:/callback'],
    })
    const answer = await fetch(`${app.baseUrl}/oidc/token`, {
      method: 'POST',
      headers: { origin: 'null' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        code: 'x',
        redirect_uri: 'org.example.app:/callback',
        code_verifier: 'v'.repeat(43),
      }),
    })
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  })
})

describe('OIDC: RP-initiated logout', () => {
  const xsrfOf = (page: Page) => /name="xsrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''

  async function askLogout(
    signIn: Awaited<ReturnType<typeof signedIn>>,
    extra: Record<string, string> = {},
  ) {
    const url = client.buildEndSessionUrl(signIn.service.configuration, {
      id_token_hint: signIn.tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://service.example/bye',
      state: 'st',
      ...extra,
    })
    if (extra.id_token_hint === '') url.searchParams.delete('id_token_hint')
    return signIn.browser.open(url.href)
  }

  /** Without an ID token anybody may have sent the person, so they are asked. */
  const askAsAnybody = (signIn: Awaited<ReturnType<typeof signedIn>>) =>
    askLogout(signIn, { id_token_hint: '', client_id: signIn.clientId })

  it('ends the one session at once for the service that shows an ID token of it', async () => {
    const signIn = await signedIn()
    const done = await askLogout(signIn)
    assert.equal(done.location, 'https://service.example/bye?state=st')
    const home = await signIn.browser.open(
      await signIn.service.authorizationUrl({ prompt: 'none' }),
    )
    assert.match(home.location ?? '', /error=login_required/)
    assert.equal(await userInfoStatus(signIn.tokens.access_token), 401)
  })

  it('does the same for one that posts its request, without our cookie on the way', async () => {
    const signIn = await signedIn()
    const posted = await fetch(`${app.baseUrl}/oidc/end_session`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({
        id_token_hint: signIn.tokens.id_token ?? '',
        post_logout_redirect_uri: 'https://service.example/bye',
      }),
    })
    assert.equal(posted.status, 303)
    const done = await signIn.browser.open(
      new URL(posted.headers.get('location') ?? '', app.baseUrl).href,
    )
    assert.equal(done.location, 'https://service.example/bye')
    assert.equal(await userInfoStatus(signIn.tokens.access_token), 401)
  })

  it('asks when the ID token is of another sign-in, person or none of ours', async () => {
    const signIn = await signedIn()
    const other = await signedIn()
    const ofAnother = { ...signIn, browser: other.browser }
    assert.match((await askLogout(ofAnother)).body, /name="xsrf"/)
    assert.equal(await userInfoStatus(other.tokens.access_token), 200)
    app.advance(2000)
    const again = await signIn.service.signIn(signIn.browser, signIn.account.username, {
      prompt: 'login',
    })
    assert.match((await askLogout(signIn)).body, /name="xsrf"/, 'of an earlier password')
    assert.equal(await userInfoStatus(again.access_token), 200)
    const forged = `${signIn.tokens.id_token?.slice(0, -6)}AAAAAA`
    assert.equal((await askLogout(signIn, { id_token_hint: forged })).status, 400)
    assert.equal(await userInfoStatus(again.access_token), 200)
  })

  it('asks one that shows no ID token, then ends the session and goes back to the service', async () => {
    const signIn = await signedIn()
    const question = await askAsAnybody(signIn)
    assert.equal(question.status, 200)
    assert.match(
      question.headers.get('content-security-policy') ?? '',
      /form-action 'self' https:\/\/service\.example/,
    )
    assert.doesNotMatch(question.body, /<script>|<style|style="/)
    const done = await signIn.browser.submit(question, '/oidc/end_session/confirm', {
      xsrf: xsrfOf(question),
      logout: 'yes',
    })
    assert.equal(done.location, 'https://service.example/bye?state=st')
    const home = await signIn.browser.open(
      await signIn.service.authorizationUrl({ prompt: 'none' }),
    )
    assert.match(home.location ?? '', /error=login_required/)
    assert.equal(await userInfoStatus(signIn.tokens.access_token), 401)
  })

  it('keeps the session when the person chooses to stay', async () => {
    const signIn = await signedIn()
    const question = await askAsAnybody(signIn)
    await signIn.browser.submit(question, '/oidc/end_session/confirm', { xsrf: xsrfOf(question) })
    const page = await signIn.browser.open(await signIn.service.authorizationUrl())
    assert.match(page.location ?? '', /code=/)
  })

  it('does nothing without the form’s secret', async () => {
    const signIn = await signedIn()
    const question = await askAsAnybody(signIn)
    const done = await signIn.browser.submit(question, '/oidc/end_session/confirm', {
      xsrf: 'x'.repeat(48),
      logout: 'yes',
    })
    assert.equal(done.status, 400)
    assert.equal(await userInfoStatus(signIn.tokens.access_token), 200)
  })

  it('shows an unregistered post_logout_redirect_uri here', async () => {
    const page = await askLogout(await signedIn(), {
      post_logout_redirect_uri: 'https://evil.example/',
    })
    assert.equal(page.status, 400)
    assert.equal(page.location, undefined)
  })

  it('goes straight on when nobody is signed in', async () => {
    const signIn = await signedIn()
    const stranger = new Browser(app.baseUrl)
    const page = await askLogout({ ...signIn, browser: stranger })
    assert.equal(page.status, 200)
    assert.match(page.body, /action="[^"]+\/oidc\/end_session\/confirm"/)
    assert.match(page.body, /<\/html>\s*$/, 'the page is whole')
    const done = await stranger.submit(page, '/oidc/end_session/confirm', {
      xsrf: xsrfOf(page),
      logout: 'yes',
    })
    assert.equal(done.location, 'https://service.example/bye?state=st')
    assert.equal(await userInfoStatus(signIn.tokens.access_token), 200)
  })

  it('says so here when the service gave no address', async () => {
    const { browser } = await signedIn()
    const question = await browser.open(`${app.baseUrl}/oidc/end_session`)
    const done = await browser.submit(question, '/oidc/end_session/confirm', {
      xsrf: xsrfOf(question),
      logout: 'yes',
    })
    assert.equal(done.status, 200)
    assert.equal(done.location, undefined)
  })
})

describe('OIDC and our own logout', () => {
  it('ends tokens that go with the session, and asks for the password again', async () => {
    const { account, browser, service, tokens } = await signedIn()
    const page = await browser.open(`${app.baseUrl}/logout`)
    const _csrf = /name="_csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    await browser.submit(page, '/logout', { _csrf })
    assert.equal(await userInfoStatus(tokens.access_token), 401)
    const loginPage = await browser.open(await service.authorizationUrl())
    assert.match(loginPage.body, /name="password"/)
    const back = await browser.signIn(loginPage, account.username, testPassword)
    assert.ok((await service.redeem(back)).id_token)
  })

  it('gives the next person on the same browser her own identity', async () => {
    const first = await signedIn()
    const { account } = await addPerson()
    const loginPage = await first.browser.open(
      await first.service.authorizationUrl({ prompt: 'login' }),
    )
    const back = await first.browser.signIn(loginPage, account.username, testPassword)
    const tokens = await first.service.redeem(back)
    assert.notEqual(tokens.claims()?.sub, first.tokens.claims()?.sub)
    assert.equal(await userInfoStatus(first.tokens.access_token), 401)
  })
})

describe('OIDC: grants', () => {
  it('are kept no longer than needed: two session lives, half a year when offline', async () => {
    const online = await signedIn()
    const offline = await signedIn(
      {},
      { scope: `${defaultScope} offline_access`, prompt: 'consent' },
    )
    const lives = async (clientId: string) => {
      const grants = await ArtifactModel.find({ kind: 'Grant' }).lean()
      const [grant] = grants.filter(({ payload }) => JSON.parse(payload).clientId === clientId)
      return Math.round((Number(grant?.expiresAt) - app.context.now().getTime()) / 3_600_000)
    }
    assert.equal(await lives(online.clientId), 20)
    assert.equal(await lives(offline.clientId), 180 * 24)
  })

  it('grow when the same session asks for offline_access later', async () => {
    const { service, browser } = await signedIn()
    const url = await service.authorizationUrl({
      scope: `${defaultScope} offline_access`,
      prompt: 'consent',
    })
    const tokens = await service.redeem(await browser.open(url))
    assert.match(String(tokens.scope), /offline_access/)
  })
})

describe('OIDC and the audit log', () => {
  it('notes what went to which service for whom, what was refused, and no secret', async () => {
    const { person, service, tokens, clientId, clientSecret } = await signedIn()
    await assert.rejects(client.refreshTokenGrant(service.configuration, 'no-such-token'))
    await userInfoStatus(tokens.access_token)
    await app.context.audit.close()
    const events = await AuditModel.find({ service: clientId }).sort({ at: 1 }).lean()
    const said = events.map(({ event, result, reason }) => [event, result, reason].join(' ').trim())
    assert.ok(said.includes('oidc.authorization success'), said.join())
    assert.ok(said.includes('oidc.token success'), said.join())
    assert.ok(said.includes('oidc.token failure invalid_grant'), said.join())
    for (const { result, personId } of events) {
      if (result === 'success') assert.equal(personId, person._id)
    }
    const userInfo = events.find(({ event }) => event === 'oidc.userinfo')
    assert.ok(userInfo?.details.released.includes('given_name'))
    const everything = JSON.stringify(events)
    assert.equal(everything.includes('Δήμητρα'), false)
    for (const secret of [tokens.access_token, tokens.refresh_token ?? '', clientSecret]) {
      assert.equal(everything.includes(secret), false)
    }
  })
})
