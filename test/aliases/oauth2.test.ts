import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { addClient, Browser, redirectUri } from '../oidc/relying-party-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'

let app: TestApp
before(async () => {
  app = await startTestApp({ PATH_ALIASES: 'cas-oauth' })
})
after(() => app.close())

interface Registered {
  readonly clientId: string
  readonly clientSecret: string
}

/** The requests of Open eClass' OAuth 2.0 module: no scope, no PKCE, Basic and client_id at once. */
async function signIn(
  { clientId, clientSecret }: Registered,
  paths: { base: string; authorize: string; accessToken: string; profile: string },
  scope = '',
) {
  const { account } = await addPerson()
  const url = `${app.baseUrl}${paths.base}`
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state: 'HA-SYNTHETIC',
  })
  const browser = new Browser(app.baseUrl)
  const login = await browser.open(`${url}${paths.authorize}?${query}`)
  const back = await browser.signIn(login, account.username, testPassword)
  const returned = new URL(back.location ?? '').searchParams
  assert.equal(returned.get('state'), 'HA-SYNTHETIC')
  const response = await fetch(`${url}${paths.accessToken}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      client_id: clientId,
      grant_type: 'authorization_code',
      redirect_uri: redirectUri,
      code: returned.get('code') ?? '',
    }),
  })
  assert.equal(response.status, 200, await response.clone().text())
  const tokens = await response.json()
  const profileUrl = `${url}/${paths.profile}`
  const profile = await fetch(profileUrl, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  return { username: account.username, tokens, profile, profileUrl }
}

const own = {
  base: '/oauth2',
  authorize: '/authorize',
  accessToken: '/accessToken',
  profile: 'profile',
}

describe('OAuth 2.0 without OpenID Connect', () => {
  it('gives id and attributes by their directory names, as the client is registered for', async () => {
    const registered = await addClient({ scope: 'openid profile email eduperson_affiliation' })
    const { username, profile, tokens } = await signIn(registered, own)
    assert.equal(profile.status, 200)
    assert.equal(profile.headers.get('cache-control'), 'no-store')
    const { id, attributes } = await profile.json()
    assert.equal(id, username)
    assert.equal(attributes.uid, username)
    assert.equal(attributes.mail, `${username}@uni.example.gr`)
    assert.ok(attributes.givenName && attributes.sn && attributes.displayName)
    assert.ok(Array.isArray(attributes.eduPersonAffiliation))
    assert.equal(attributes.sub, undefined)
    // RFC 6749 5.1: the scope is not the one that was asked for.
    assert.match(tokens.scope, /\bopenid\b.*\bprofile\b/)
  })

  it('answers at the addresses of a CAS server too, once they are turned on', async () => {
    const registered = await addClient({ scope: 'openid profile email' })
    const { username, profile } = await signIn(registered, { ...own, base: '/cas/oauth2.0' })
    assert.equal((await profile.json()).id, username)
  })

  it('gives no more than the registration lets, and no username without its scope', async () => {
    const registered = await addClient({ scope: 'openid email' })
    const { username, profile } = await signIn(registered, own)
    const { id, attributes } = await profile.json()
    assert.notEqual(id, username)
    assert.deepEqual(Object.keys(attributes).sort(), ['email_verified', 'mail'])
  })

  it('takes a token in the header alone, never in the address', async () => {
    const registered = await addClient({ scope: 'openid profile' })
    const { tokens, profileUrl } = await signIn(registered, own)
    const inQuery = await fetch(`${profileUrl}?access_token=${tokens.access_token}`)
    assert.ok(inQuery.status >= 400, String(inQuery.status))
    const wrong = await fetch(profileUrl, { headers: { authorization: 'Bearer nonsense' } })
    assert.equal(wrong.status, 401)
    assert.match(wrong.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
  })

  it('leaves what is wrong with a request to the same checks', async () => {
    const authorize = `${app.baseUrl}/oauth2/authorize`
    const unknown = await fetch(`${authorize}?response_type=code&client_id=nobody`)
    assert.equal(unknown.status, 400)
    const { clientId } = await addClient({ scope: 'openid profile' })
    const repeated = await fetch(
      `${authorize}?response_type=code&client_id=${clientId}&scope=openid&scope=email`,
      { redirect: 'manual' },
    )
    assert.ok(
      repeated.status === 400 ||
        /error=invalid_request/.test(repeated.headers.get('location') ?? ''),
    )
    const elsewhere = await fetch(
      `${authorize}?response_type=code&client_id=${clientId}&redirect_uri=https%3A%2F%2Fevil.example`,
      { redirect: 'manual' },
    )
    assert.equal(elsewhere.status, 400)
    assert.equal(elsewhere.headers.get('location'), null)
  })

  it('takes a posted request, so that the sign-in that is there counts', async () => {
    const { clientId } = await addClient({ scope: 'openid profile' })
    const answer = await fetch(`${app.baseUrl}/oauth2/authorize`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
      }),
    })
    assert.equal(answer.status, 303)
    assert.match(answer.headers.get('location') ?? '', /^\/oauth2\/authorize\?response_type=code/)
  })
})
