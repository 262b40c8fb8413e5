import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { accounts } from '../../src/people/people-store.ts'
import { servicesInSession } from '../../src/sso/sessions.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { Browser } from './browser.ts'
import { addClient, defaultScope, redirectUri, TestService } from './relying-party-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

describe('OIDC: signing in with code and PKCE', () => {
  it('signs a student in and tells the service who she is', async () => {
    const { person, account } = await addPerson()
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username)
    const idToken = tokens.claims()
    assert.ok(idToken)
    assert.equal(idToken.iss, app.baseUrl)
    assert.equal(idToken.acr, 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport')
    assert.deepEqual(idToken.amr, ['pwd'])
    assert.ok(Math.abs(Number(idToken.auth_time) - Date.now() / 1000) < 60)
    assert.notEqual(idToken.sub, person._id)

    const userInfo = await client.fetchUserInfo(
      service.configuration,
      tokens.access_token,
      idToken.sub,
    )
    assert.equal(userInfo.given_name, 'Δήμητρα')
    assert.equal(userInfo.email, `${account.username}@uni.example.gr`)
    assert.equal(userInfo.email_verified, true)
    assert.equal(userInfo.eduperson_principal_name, `${account.username}@uni.example.gr`)
    const affiliations = userInfo.eduperson_scoped_affiliation as string[]
    assert.deepEqual([...affiliations].sort(), ['member@uni.example.gr', 'student@uni.example.gr'])
    assert.equal(userInfo.birthdate, undefined)
  })

  it('gives two native apps different subjects, though their addresses have no host of their own', async () => {
    const { account } = await addPerson()
    const subjects = new Set<string>()
    const addresses = ['org.example.one:/cb', 'org.example.two:/cb', 'http://127.0.0.1/cb']
    for (const address of [...addresses, 'http://127.0.0.1/cb']) {
      const { clientId, clientSecret } = await addClient({
        application_type: 'native',
        redirect_uris: [address],
      })
      const authentication = client.ClientSecretBasic(clientSecret)
      const service = await TestService.discover(app.baseUrl, clientId, authentication)
      const tokens = await service.signIn(new Browser(app.baseUrl), account.username, {
        redirect_uri: address,
      })
      subjects.add(tokens.claims()?.sub ?? '')
    }
    assert.equal(subjects.size, 4)
  })

  it('keeps the claims of scopes out of the ID token (OIDC Core 5.4)', async () => {
    const { account } = await addPerson()
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username)
    assert.equal(tokens.claims()?.email, undefined)
  })

  it('gives what the claims parameter asks for, within the registered scopes', async () => {
    const { account } = await addPerson()
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username, {
      scope: 'openid',
      claims: JSON.stringify({
        id_token: { given_name: null, schac_date_of_birth: { essential: true } },
      }),
    })
    assert.equal(tokens.claims()?.given_name, 'Δήμητρα')
    assert.equal(tokens.claims()?.schac_date_of_birth, undefined)
  })

  it('reaches a second service without another password, and with prompt=none', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const first = await TestService.create(app.baseUrl)
    await first.signIn(browser, account.username)
    const second = await TestService.create(app.baseUrl)
    const page = await browser.open(await second.authorizationUrl({ prompt: 'none' }))
    assert.ok(page.location?.startsWith(redirectUri), page.location)
    assert.ok((await second.redeem(page)).access_token)
  })

  it('lists the service in the SSO session once', async () => {
    const { person, account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    await service.signIn(browser, account.username)
    for (let visit = 0; visit < 3; visit++) {
      await service.redeem(await browser.open(await service.authorizationUrl()))
    }
    const session = await SsoSessionModel.findOne({ personId: person._id }).lean()
    const services = await servicesInSession({ id: session?._id ?? '' })
    assert.equal(services.length, 1)
    assert.equal(services[0]?.protocol, 'oidc')
  })

  it('answers prompt=none with login_required when nobody is signed in', async () => {
    const service = await TestService.create(app.baseUrl)
    const page = await new Browser(app.baseUrl).open(
      await service.authorizationUrl({ prompt: 'none' }),
    )
    assert.equal(new URL(page.location ?? '').searchParams.get('error'), 'login_required')
  })

  it('asks for the password again for prompt=login, and moves auth_time', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    const before = (await service.signIn(browser, account.username)).claims()
    app.advance(5_000)
    const loginPage = await browser.open(await service.authorizationUrl({ prompt: 'login' }))
    assert.equal(loginPage.status, 200)
    assert.match(loginPage.body, /name="password"/)
    const page = await browser.signIn(loginPage, account.username, testPassword)
    const after = (await service.redeem(page)).claims()
    assert.ok(Number(after?.auth_time) > Number(before?.auth_time))
  })

  it('asks for the password again when the sign-in is older than max_age', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    app.advance(-100_000)
    await service.signIn(browser, account.username)
    app.advance(100_000)
    const young = await browser.open(await service.authorizationUrl({ max_age: '1000' }))
    assert.ok(young.location?.startsWith(redirectUri))
    const old = await browser.open(await service.authorizationUrl({ max_age: '50' }))
    assert.match(old.body, /name="password"/)
    const back = await browser.signIn(old, account.username, testPassword)
    assert.ok((await service.redeem(back, { maxAge: 50 })).id_token)
  })

  it('does not take the old sign-in for the new one that prompt=login asks for', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    await service.signIn(browser, account.username)
    const loginPage = await browser.open(await service.authorizationUrl({ prompt: 'login' }))
    const flow = /name="flow" value="([^"]+)"/.exec(loginPage.body)?.[1]
    const interaction = /\/oidc\/interaction\/[\w-]+/
    const away = await browser.request(await service.authorizationUrl({ prompt: 'login' }))
    const path = interaction.exec(away.location ?? '')?.[0]
    const skipped = await browser.open(`${path}?flow=${flow}`)
    assert.match(skipped.body, /name="password"/)
  })

  it('takes one typed password for one prompt=login, of requests made before it too', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    const other = await TestService.create(app.baseUrl)
    await service.signIn(browser, account.username)
    const first = await browser.open(await service.authorizationUrl({ prompt: 'login' }))
    const away = await browser.request(await other.authorizationUrl({ prompt: 'login' }))
    const path = /\/oidc\/interaction\/[\w-]+/.exec(away.location ?? '')![0]
    const second = await browser.open(path)
    app.advance(1000)
    const page = await browser.signIn(first, account.username, testPassword)
    assert.ok((await service.redeem(page)).id_token)
    // Where the other sign-in page would come back to, had the password been typed there.
    const flow = /name="flow" value="([^"]+)"/.exec(second.body)![1]
    const skipped = await browser.open(`${path}?flow=${flow}`)
    assert.match(skipped.body, /name="password"/)
  })

  it('refuses an acr that it cannot reach, without asking anything', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    await service.signIn(browser, account.username)
    const page = await browser.open(
      await service.authorizationUrl({
        claims: JSON.stringify({
          id_token: { acr: { essential: true, values: ['https://refeds.org/profile/mfa'] } },
        }),
      }),
    )
    const error = new URL(page.location ?? '').searchParams.get('error')
    assert.equal(error, 'unmet_authentication_requirements')
  })

  it('insists on the person that id_token_hint names', async () => {
    const [first, second] = [await addPerson(), await addPerson()]
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(browser, first.account.username)
    const stranger = new Browser(app.baseUrl)
    await service.signIn(stranger, second.account.username)
    const loginPage = await stranger.open(
      await service.authorizationUrl({ id_token_hint: tokens.id_token ?? '' }),
    )
    const wrong = await stranger.signIn(loginPage, second.account.username, testPassword)
    assert.match(wrong.location ?? '', /error=login_required/)
  })

  it('fills in the username that login_hint names, and lets the form lead on to the service', async () => {
    const service = await TestService.create(app.baseUrl)
    const page = await new Browser(app.baseUrl).open(
      await service.authorizationUrl({ login_hint: 'dpapadopoulou@uni.example.gr' }),
    )
    assert.match(page.body, /value="dpapadopoulou"/)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /form-action 'self' https:\/\/service\.example[; ]/)
  })

  it('takes posted requests, and answers by form_post on a page of ours', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    await service.signIn(browser, account.username)
    const url = new URL(await service.authorizationUrl({ response_mode: 'form_post' }))
    const page = await browser.submit(
      await browser.request('/'),
      '/oidc/auth',
      Object.fromEntries(url.searchParams),
    )
    assert.equal(page.status, 200)
    assert.match(page.body, /action="https:\/\/service\.example\/callback"/)
    assert.match(page.body, /name="code" value="[\w-]+"/)
    assert.doesNotMatch(page.body, /<script>/)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /form-action 'self' https:\/\/service\.example[; ]/)
    assert.match(policy, /script-src 'self';/)
  })

  it('keeps tabs apart: two services asked for before the one sign-in both get their answer', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const [one, two] = [
      await TestService.create(app.baseUrl),
      await TestService.create(app.baseUrl),
    ]
    const pageOne = await browser.open(await one.authorizationUrl())
    const pageTwo = await browser.open(await two.authorizationUrl())
    const backTwo = await browser.signIn(pageTwo, account.username, testPassword)
    const backOne = await browser.signIn(pageOne, account.username, testPassword)
    assert.ok((await one.redeem(backOne)).id_token)
    assert.ok((await two.redeem(backTwo)).id_token)
  })

  it('keeps all codes usable when many tabs ask at the same moment', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    await (await TestService.create(app.baseUrl)).signIn(browser, account.username)
    const service = await TestService.create(app.baseUrl)
    const tabs = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const tab =
          index % 2 ? new TestService(service.configuration) : await TestService.create(app.baseUrl)
        return { tab, url: await tab.authorizationUrl() }
      }),
    )
    const pages = await Promise.all(tabs.map(({ url }) => browser.open(url)))
    const answers = await Promise.all(tabs.map(({ tab }, index) => tab.redeem(pages[index]!)))
    assert.ok(answers.every((tokens) => tokens.id_token))
  })
})

describe('OIDC: who may sign in', () => {
  it('gives nothing to an account that was disabled during the session', async () => {
    const { person, account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(browser, account.username)
    await accounts().updateOne({ _id: person._id }, { $set: { state: 'disabled' } })

    const page = await browser.open(await service.authorizationUrl())
    assert.equal(page.location, undefined)
    assert.match(page.body, /name="password"/)
    await assert.rejects(
      client.refreshTokenGrant(service.configuration, tokens.refresh_token ?? ''),
      { error: 'invalid_grant' },
    )
    const userInfo = await fetch(`${app.baseUrl}/oidc/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    assert.equal(userInfo.status, 401)
  })

  it('gives a pending account no code, whatever the service asks', async () => {
    const { account } = await addPerson({ account: { state: 'pending' } })
    const browser = new Browser(app.baseUrl)
    const service = await TestService.create(app.baseUrl)
    const loginPage = await browser.open(await service.authorizationUrl())
    const page = await browser.signIn(loginPage, account.username, testPassword)
    assert.equal(page.status, 403)
    assert.equal(page.location, undefined)
  })
})

describe('OIDC: subjects', () => {
  it('differ from service to service and stay the same at one', async () => {
    const { account } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const one = await TestService.create(app.baseUrl)
    const two = await TestService.create(app.baseUrl, {
      redirect_uris: ['https://elsewhere.example/callback'],
    })
    const first = (await one.signIn(browser, account.username)).claims()?.sub
    const again = (await one.redeem(await browser.open(await one.authorizationUrl()))).claims()?.sub
    const page = await browser.open(
      await two.authorizationUrl({ redirect_uri: 'https://elsewhere.example/callback' }),
    )
    const other = (await two.redeem(page)).claims()?.sub
    assert.equal(first, again)
    assert.notEqual(first, other)
    assert.match(String(first), /^[a-z2-7]{32}$/)
  })

  it('are public for a service that registered so', async () => {
    const { person, account } = await addPerson()
    const service = await TestService.create(app.baseUrl, { subject_type: 'public' })
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username)
    assert.equal(tokens.claims()?.sub, person._id)
  })
})

describe('OIDC: how services authenticate', () => {
  async function signInWith(
    change: Record<string, unknown>,
    authentication: (secret: string) => client.ClientAuth,
  ) {
    const { account } = await addPerson()
    const { clientId, clientSecret } = await addClient(change)
    const service = await TestService.discover(app.baseUrl, clientId, authentication(clientSecret))
    return service.signIn(new Browser(app.baseUrl), account.username)
  }

  it('client_secret_basic', async () => {
    assert.ok((await signInWith({}, client.ClientSecretBasic)).id_token)
  })

  it('client_secret_post', async () => {
    const change = { token_endpoint_auth_method: 'client_secret_post' }
    assert.ok((await signInWith(change, client.ClientSecretPost)).id_token)
  })

  it('private_key_jwt, once for each assertion', async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      ['sign', 'verify'],
    )
    const jwk = await crypto.subtle.exportKey('jwk', publicKey)
    const change = {
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret: undefined,
      jwks: { keys: [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, use: 'sig' }] },
    }
    assert.ok((await signInWith(change, () => client.PrivateKeyJwt(privateKey))).id_token)
  })

  it('none, as a public client with PKCE', async () => {
    const change = { token_endpoint_auth_method: 'none', client_secret: undefined }
    assert.ok((await signInWith(change, client.None)).id_token)
  })

  it('refuses a wrong secret', async () => {
    await assert.rejects(
      signInWith({ token_endpoint_auth_method: 'client_secret_post' }, () =>
        client.ClientSecretPost('not-the-secret'),
      ),
      { error: 'invalid_client' },
    )
  })

  it('refuses a public client without PKCE, and the plain method', async () => {
    const { clientId } = await addClient({
      token_endpoint_auth_method: 'none',
      client_secret: undefined,
    })
    for (const extra of ['', '&code_challenge=abc&code_challenge_method=plain']) {
      const page = await new Browser(app.baseUrl).open(
        `${app.baseUrl}/oidc/auth?client_id=${clientId}&response_type=code&scope=openid&redirect_uri=${encodeURIComponent(redirectUri)}${extra}`,
      )
      assert.equal(new URL(page.location ?? '').searchParams.get('error'), 'invalid_request')
    }
  })
})

describe('OIDC: requests that are refused here', () => {
  const authorize = (parameters: Record<string, string>) =>
    new Browser(app.baseUrl).open(
      `${app.baseUrl}/oidc/auth?${new URLSearchParams({ response_type: 'code', scope: defaultScope, ...parameters })}`,
    )

  it('shows an unregistered redirect_uri here and never goes there', async () => {
    const { clientId } = await addClient()
    for (const uri of [
      'https://evil.example/',
      `${redirectUri}/`,
      `${redirectUri}?x=1`,
      'https://service.example.evil/callback',
    ]) {
      const page = await authorize({ client_id: clientId, redirect_uri: uri })
      assert.equal(page.status, 400, uri)
      assert.equal(page.location, undefined)
      assert.match(page.body, /OIDC_REQUEST_INVALID/)
      assert.doesNotMatch(page.body, /(href|action)="https?:\/\/(evil|service)\./)
    }
  })

  it('shows an unknown client here', async () => {
    const page = await authorize({ client_id: 'nobody', redirect_uri: redirectUri })
    assert.equal(page.status, 400)
    assert.equal(page.location, undefined)
    assert.match(page.body, /OIDC_CLIENT_INVALID/)
  })

  it('sends an unsupported response_type back to the registered address', async () => {
    const { clientId } = await addClient()
    const page = await authorize({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code id_token',
      nonce: 'n',
      state: 's',
    })
    const answer = new URL(page.location ?? '')
    assert.ok(page.location?.startsWith(redirectUri))
    assert.equal(answer.hash + answer.search === '', false)
  })

  it('answers an unknown path under /oidc/ with 404', async () => {
    assert.equal((await new Browser(app.baseUrl).open(`${app.baseUrl}/oidc/nothing`)).status, 404)
  })
})

describe('OIDC: discovery and keys', () => {
  it('names every endpoint under BASE_URL, whatever Host the request carries', async () => {
    const response = await fetch(`${app.baseUrl}/.well-known/openid-configuration`, {
      headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    })
    const document = (await response.json()) as Record<string, unknown>
    assert.equal(document.issuer, app.baseUrl)
    for (const [name, path] of Object.entries({
      authorization_endpoint: '/oidc/auth',
      token_endpoint: '/oidc/token',
      userinfo_endpoint: '/oidc/userinfo',
      jwks_uri: '/oidc/jwks',
      end_session_endpoint: '/oidc/end_session',
      pushed_authorization_request_endpoint: '/oidc/par',
    })) {
      assert.equal(document[name], app.baseUrl + path)
    }
    assert.deepEqual(document.code_challenge_methods_supported, ['S256'])
    assert.deepEqual(document.response_types_supported, ['code'])
    assert.equal(JSON.stringify(document).includes('evil'), false)
  })

  it('publishes public keys only, and signs with the active one', async () => {
    const { keys } = (await (await fetch(`${app.baseUrl}/oidc/jwks`)).json()) as {
      keys: Record<string, string>[]
    }
    assert.equal(keys[0]?.kid, app.context.keys.active('oidc').kid)
    for (const key of keys) {
      assert.equal(key.d, undefined)
      assert.equal(createPublicKey({ key, format: 'jwk' }).type, 'public')
    }
  })
})
