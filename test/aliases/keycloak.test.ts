import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { addClient, Browser, redirectUri } from '../oidc/relying-party-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

let app: TestApp
before(async () => {
  app = await startTestApp({ KEYCLOAK_REALM: 'uni', PATH_ALIASES: 'cas-oauth' })
})
after(() => app.close())

const realm = (path: string) => `${app.baseUrl}/realms/uni/protocol/openid-connect/${path}`
const discovery = '/.well-known/openid-configuration'

/** The requests of HybridAuth's Keycloak provider, which Open eClass has: no PKCE, no nonce. */
class KeycloakModule {
  readonly #clientId: string
  readonly #clientSecret: string
  readonly #address: (path: string) => string

  constructor(registered: { clientId: string; clientSecret: string }, address = realm) {
    this.#clientId = registered.clientId
    this.#clientSecret = registered.clientSecret
    this.#address = address
  }

  begin(): string {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: this.#clientId,
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state: 'HA-SYNTHETIC',
    })
    return `${this.#address('auth')}?${query}`
  }

  async redeem(location: string | undefined) {
    const returned = new URL(location ?? '')
    assert.equal(returned.searchParams.get('state'), 'HA-SYNTHETIC')
    const response = await fetch(this.#address('token'), {
      method: 'POST',
      body: new URLSearchParams({
        client_id: this.#clientId,
        client_secret: this.#clientSecret,
        grant_type: 'authorization_code',
        redirect_uri: redirectUri,
        code: returned.searchParams.get('code') ?? '',
      }),
    })
    assert.equal(response.status, 200, await response.clone().text())
    return (await response.json()) as { access_token: string; id_token: string }
  }

  async userinfo(accessToken: string): Promise<Record<string, unknown>> {
    const response = await fetch(this.#address('userinfo'), {
      headers: { authorization: `Bearer ${accessToken}` },
    })
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }
}

const addKeycloakClient = (change: Record<string, unknown> = {}) =>
  addClient({
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'openid profile email',
    grant_types: ['authorization_code'],
    ...change,
  })

describe('Keycloak’s addresses', () => {
  for (const prefix of ['', '/auth']) {
    it(`sign somebody in at ${prefix}/realms and give the claims that its services read`, async () => {
      const { account } = await addPerson()
      const service = new KeycloakModule(
        await addKeycloakClient(),
        (path) => `${app.baseUrl}${prefix}/realms/uni/protocol/openid-connect/${path}`,
      )
      const browser = new Browser(app.baseUrl)
      const login = await browser.open(service.begin())
      const back = await browser.signIn(login, account.username, testPassword)
      const tokens = await service.redeem(back.location)
      const claims = await service.userinfo(tokens.access_token)
      assert.equal(claims.sub, decodeJwt(tokens.id_token).sub)
      assert.equal(claims.preferred_username, account.username)
      assert.equal(claims.email, `${account.username}@uni.example.gr`)
      assert.equal(claims.email_verified, true)
      assert.ok(claims.given_name && claims.family_name)
    })
  }

  it('find the sign-in that is there already', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const first = new KeycloakModule(await addKeycloakClient())
    await browser.signIn(await browser.open(first.begin()), account.username, testPassword)
    const back = await browser.open(new KeycloakModule(await addKeycloakClient()).begin())
    assert.match(back.location ?? '', /[?&]code=/)
  })

  it('sign out by client_id and id_token_hint, and ask without one', async () => {
    const { account } = await addPerson()
    const registered = await addKeycloakClient()
    const service = new KeycloakModule(registered)
    const browser = new Browser(app.baseUrl)
    const login = await browser.open(service.begin())
    const back = await browser.signIn(login, account.username, testPassword)
    const { id_token: idToken } = await service.redeem(back.location)
    const query = new URLSearchParams({ client_id: registered.clientId })
    const question = await browser.open(`${realm('logout')}?${query}`)
    assert.match(question.body, /name="logout"/)
    assert.ok((await browser.open(service.begin())).location?.includes('code='))
    query.set('id_token_hint', idToken)
    const done = await browser.open(`${realm('logout')}?${query}`)
    assert.equal(done.status, 200)
    assert.doesNotMatch(done.body, /name="logout"/)
    assert.match((await browser.open(service.begin())).body, /name="password"/)
  })

  it('go on for people who sign out without being signed in', async () => {
    const registered = await addKeycloakClient()
    const query = new URLSearchParams({
      client_id: registered.clientId,
      post_logout_redirect_uri: 'https://service.example/bye',
    })
    const browser = new Browser(app.baseUrl)
    const passing = await browser.open(`${realm('logout')}?${query}`)
    const action = /action="([^"]*end_session[^"]*)"/.exec(passing.body)?.[1] ?? ''
    const done = await browser.submit(passing, action, {
      xsrf: hiddenField(passing.body, 'xsrf'),
      logout: 'yes',
    })
    assert.equal(done.location, 'https://service.example/bye')
  })

  it('refuse a redirect address that is not registered, without going there', async () => {
    const registered = await addKeycloakClient({ redirect_uris: ['https://other.example/back'] })
    const page = await new Browser(app.baseUrl).open(new KeycloakModule(registered).begin())
    assert.equal(page.status, 400)
    assert.equal(page.location, undefined)
  })

  it('take a client assertion that names them', async () => {
    const { generateKeyPair, exportJWK, SignJWT } = await import('jose')
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256' }
    const { clientId } = await addKeycloakClient({
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret: undefined,
      jwks: { keys: [jwk] },
    })
    const introspect = async (audience: string) => {
      const assertion = await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey)
      const response = await fetch(realm('token/introspect'), {
        method: 'POST',
        body: new URLSearchParams({
          token: 'none',
          client_assertion: assertion,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        }),
      })
      return response.status
    }
    assert.equal(await introspect(realm('token/introspect')), 200)
    assert.equal(await introspect('https://elsewhere.example/token'), 401)
  })

  it('have the headers, limits and documents of our own', async () => {
    for (const [alias, own] of [
      [realm('certs'), '/oidc/jwks'],
      [`${app.baseUrl}/realms/uni${discovery}`, discovery],
      [realm('auth'), '/oidc/auth'],
      [realm('userinfo'), '/oidc/userinfo'],
      [realm('token'), '/oidc/token'],
      [realm('revoke'), '/oidc/revocation'],
    ] as const) {
      const [given, wanted] = await Promise.all([fetch(alias), fetch(`${app.baseUrl}${own}`)])
      assert.equal(given.status, wanted.status, alias)
      for (const name of ['content-type', 'content-security-policy', 'cache-control']) {
        assert.equal(given.headers.get(name), wanted.headers.get(name), `${alias} ${name}`)
      }
      if (wanted.headers.get('content-type')?.includes('json')) {
        assert.equal(await given.text(), await wanted.text())
      }
    }
  })

  it('are there for the one realm only', async () => {
    for (const path of ['/realms/master', '/realms/uni/account', '/admin/realms/uni']) {
      assert.equal((await fetch(`${app.baseUrl}${path}${discovery}`)).status, 404, path)
    }
  })
})

describe('the issuer', () => {
  it('stays our own by default, and the realm’s discovery says so', async () => {
    const document = await (await fetch(`${app.baseUrl}/realms/uni${discovery}`)).json()
    assert.equal(document.issuer, app.baseUrl)
    // OIDC Discovery 4.3: who was given the realm as issuer must not take this document.
    await assert.rejects(
      client.discovery(new URL(`${app.baseUrl}/realms/uni`), 'any', undefined, undefined, {
        execute: [client.allowInsecureRequests],
      }),
    )
  })
})
