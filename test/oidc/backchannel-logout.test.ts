import assert from 'node:assert/strict'
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { accountCommand } from '../../src/cli/account.ts'
import { startToldServer, type ToldServer } from '../saml/logout-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson } from '../support/people.ts'
import { Browser, type Page } from './browser.ts'
import { defaultScope, TestService } from './relying-party-support.ts'

const bye = 'https://service.example/bye'

let app: TestApp
let told: ToldServer
before(async () => {
  app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  told = await startToldServer({ entityId: 'oidc' })
})
after(async () => {
  await told.close()
  await app.close()
})

/** Somebody signed in at a service that wants logout tokens, or as `change` says. */
async function signedIn(change: Record<string, unknown> = { backchannel_logout_uri: told.url }) {
  const { account } = await addPerson()
  const service = await TestService.create(app.baseUrl, change)
  const browser = new Browser(app.baseUrl)
  const tokens = await service.signIn(browser, account.username)
  told.told.length = 0
  return { account, service, browser, tokens }
}

async function signOut(browser: Browser): Promise<Page> {
  const page = await browser.open(`${app.baseUrl}/logout`)
  return settled(
    browser,
    await browser.submit(page, '/logout', { _csrf: hiddenField(page.body, '_csrf') }),
  )
}

/** The page once nobody is being told any more; without script it asks again by itself. */
async function settled(browser: Browser, first: Page): Promise<Page> {
  let page = first
  while (page.body.includes('http-equiv="refresh"')) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    page = await browser.open(first.url)
  }
  return page
}

const tokensTold = () =>
  told.told.map(({ body }) => new URLSearchParams(body).get('logout_token') ?? '')

function userInfoStatus(accessToken: string): Promise<number> {
  return fetch(`${app.baseUrl}/oidc/userinfo`, {
    headers: { authorization: `Bearer ${accessToken}` },
  }).then(({ status }) => status)
}

const partOf = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())

describe('OpenID Connect Back-Channel Logout 1.0', () => {
  it('is in the discovery document, by session', async () => {
    const url = `${app.baseUrl}/.well-known/openid-configuration`
    const document = (await (await fetch(url)).json()) as Record<string, unknown>
    assert.equal(document.backchannel_logout_supported, true)
    assert.equal(document.backchannel_logout_session_supported, true)
  })

  it('posts a logout token that names subject and session as the ID token did (2.4)', async () => {
    const { browser, service, tokens } = await signedIn()
    const page = await signOut(browser)
    assert.match(page.body, /Αποσυνδέθηκε/)
    const [token] = tokensTold() as [string]
    const { typ, alg, kid } = partOf(token, 0)
    assert.deepEqual([typ, alg], ['logout+jwt', 'RS256'])
    const jwks = (await (await fetch(`${app.baseUrl}/oidc/jwks`)).json()) as {
      keys: (JsonWebKey & { kid: string })[]
    }
    const jwk = jwks.keys.find((key) => key.kid === kid)!
    const [head, body, signature] = token.split('.') as [string, string, string]
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    const value = Buffer.from(signature, 'base64url')
    assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), publicKey, value))
    const payload = partOf(token, 1)
    assert.equal(payload.iss, app.baseUrl)
    assert.equal(payload.aud, clientOf(service).clientId)
    const idToken = tokens.claims()!
    assert.equal(payload.sub, idToken.sub)
    assert.ok(typeof payload.sid === 'string' && payload.sid === idToken.sid)
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
    assert.ok(payload.jti && payload.exp! - payload.iat! <= 120)
    assert.ok(!('nonce' in payload))
  })

  it('tells each time with another jti, and services that share nothing by other names', async () => {
    const first = await signedIn()
    const second = await TestService.create(app.baseUrl, { backchannel_logout_uri: told.url })
    await second.redeem(await first.browser.open(await second.authorizationUrl()))
    told.told.length = 0
    await signOut(first.browser)
    const claims = tokensTold().map((token) => partOf(token, 1))
    assert.equal(claims.length, 2)
    assert.notEqual(claims[0].jti, claims[1].jti)
    assert.notEqual(claims[0].sid, claims[1].sid)
  })

  it('counts a service that refuses, and one without an address, as not told', async () => {
    told.manner = 'fault'
    try {
      const { browser } = await signedIn()
      assert.match((await signOut(browser)).body, /Δεν έγινε αποσύνδεση/)
    } finally {
      told.manner = 'right'
    }
    const { browser } = await signedIn({})
    assert.match((await signOut(browser)).body, /Μπορεί να είναι ακόμη ανοιχτή/)
  })

  it('ends what was got without offline_access, and leaves what was got with it', async () => {
    const { browser, tokens } = await signedIn()
    const offline = await TestService.create(app.baseUrl, { backchannel_logout_uri: told.url })
    const kept = await offline.redeem(
      await browser.open(
        await offline.authorizationUrl({
          scope: `${defaultScope} offline_access`,
          prompt: 'consent',
        }),
      ),
    )
    await signOut(browser)
    assert.equal(await userInfoStatus(tokens.access_token), 401)
    assert.equal(await userInfoStatus(kept.access_token), 200)
  })
})

describe('RP-Initiated Logout 1.0', () => {
  function askToLeave(browser: Browser, idToken: string, to?: string) {
    const query = new URLSearchParams({ id_token_hint: idToken, state: 'x y' })
    if (to !== undefined) query.set('post_logout_redirect_uri', to)
    return browser.open(`${app.baseUrl}/oidc/end_session?${query}`)
  }

  it('tells the service that asked too, and leads to its registered address after that', async () => {
    const { browser, tokens } = await signedIn()
    const done = await askToLeave(browser, tokens.id_token!, bye)
    assert.equal(done.location, `${bye}?state=x+y`)
    assert.equal(tokensTold().length, 1)
  })

  it('asks first when the ID token names another sign-in by its sid', async () => {
    const { browser, tokens, service } = await signedIn()
    const elsewhere = await signedIn()
    const other = await service.redeem(
      await elsewhere.browser.open(await service.authorizationUrl()),
    )
    told.told.length = 0
    const question = await askToLeave(browser, other.id_token!, bye)
    assert.equal(question.location, undefined)
    const xsrf = hiddenField(question.body, 'xsrf')
    assert.equal(await userInfoStatus(tokens.access_token), 200)
    const done = await browser.submit(question, '/oidc/end_session/confirm', {
      xsrf,
      logout: 'yes',
    })
    assert.equal(done.location, `${bye}?state=x+y`)
    assert.equal(tokensTold().length, 1)
  })

  it('stops at our page when another service was not told, with a button that leads on', async () => {
    const { browser, tokens } = await signedIn()
    const deaf = await TestService.create(app.baseUrl, {})
    await deaf.redeem(await browser.open(await deaf.authorizationUrl()))
    const page = await settled(browser, await askToLeave(browser, tokens.id_token!, bye))
    assert.match(page.body, /Κάποιες υπηρεσίες μπορεί να είναι ακόμη ανοιχτές/)
    const next = await browser.open(`${page.url}/finish`)
    assert.equal(next.location, `${bye}?state=x+y`)
  })

  it('leads to no address that is not registered', async () => {
    const { browser, tokens } = await signedIn()
    const evil = await askToLeave(browser, tokens.id_token!, 'https://evil.example/')
    assert.ok(evil.status >= 400)
    assert.equal(evil.location, undefined)
    assert.doesNotMatch(evil.body, /href="https:\/\/evil/)
    assert.equal(told.told.length, 0)
  })
})

describe('An account that is disabled', () => {
  it('has its services told by the command that disables it', async () => {
    const { account } = await signedIn()
    let output = ''
    const { write } = process.stdout
    process.stdout.write = ((text: string) => {
      output += text
      return true
    }) as typeof write
    try {
      await accountCommand(app.context, ['disable', account.username])
    } finally {
      process.stdout.write = write
    }
    assert.equal(tokensTold().length, 1)
    assert.match(output, /disabled; 1 sign-ins ended\n {2}1 services ended their sessions too/)
  })
})

function clientOf(service: TestService): { clientId: string } {
  return { clientId: service.configuration.clientMetadata().client_id }
}
