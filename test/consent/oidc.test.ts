import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { recordWithdrawal } from '../../src/consent/consent-store.ts'
import { withdrawConsent } from '../../src/consent/withdraw.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import type { Page } from '../oidc/browser.ts'
import { addClient, Browser, defaultScope, TestService } from '../oidc/relying-party-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { auditOf, recordOf, textOf } from './consent-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

const agreed = { decision: 'agree', remember: 'yes' }
const once = { decision: 'agree' }
const no = { decision: 'disagree' }
const offline = { scope: `${defaultScope} offline_access`, prompt: 'consent' }

async function oidcService(overrides: ServiceOverrides, change: Record<string, unknown> = {}) {
  const clientId = `client-${randomBytes(6).toString('hex')}`
  const clientSecret = randomBytes(24).toString('base64url')
  await addClient({ client_id: clientId, client_secret: clientSecret, ...change })
  await setServiceOverrides(clientId, overrides, 'oidc')
  const authentication = client.ClientSecretBasic(clientSecret)
  const service = await TestService.discover(app.baseUrl, clientId, authentication)
  return { clientId, service }
}

async function signedIn() {
  const { account, person } = await addPerson()
  const browser = new Browser(app.baseUrl)
  const page = await browser.open(`${app.baseUrl}/account`)
  await browser.signIn(page, account.username, testPassword)
  return { account, person, browser }
}

/** The consent page that the browser is on. */
function consentForm(page: Page) {
  assert.match(page.url, /\/consent\?flow=/, page.body.slice(0, 500))
  const action = /<form[^>]*class="card[^"]*"[^>]*action="([^"]+)"/.exec(page.body)?.[1] ?? ''
  const fields = { _csrf: hiddenField(page.body, '_csrf'), flow: hiddenField(page.body, 'flow') }
  return { action: unescapeHtml(action), fields }
}

/** Presses a button of the page, and follows as far as the service. */
function decide(browser: Browser, page: Page, fields: Record<string, string>): Promise<Page> {
  const form = consentForm(page)
  return browser.submit(page, form.action, { ...form.fields, ...fields })
}

async function throughPage(
  browser: Browser,
  service: TestService,
  fields: Record<string, string>,
  parameters: Record<string, string> = {},
) {
  const page = await browser.open(await service.authorizationUrl(parameters))
  return service.redeem(await decide(browser, page, fields))
}

function userinfo(service: TestService, accessToken: string) {
  return client.fetchUserInfo(service.configuration, accessToken, client.skipSubjectCheck)
}

const errorOf = (page: Page) => new URL(page.location ?? 'x:').searchParams.get('error')

describe('An OpenID Connect service that must ask', () => {
  it('gets what the person agreed to, after the sign-in and the page', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { account, person } = await addPerson()
    const browser = new Browser(app.baseUrl)
    const login = await browser.open(await service.authorizationUrl())
    const page = await browser.signIn(login, account.username, testPassword)
    assert.match(textOf(page.body), /Δήμητρα Παπαδοπούλου/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    const facts = await userinfo(service, tokens.access_token)
    assert.equal(facts.name, 'Δήμητρα Παπαδοπούλου')
    assert.equal(facts.email, `${account.username}@uni.example.gr`)
    const record = await recordOf(
      person._id,
      service.configuration.clientMetadata().client_id,
      'oidc',
    )
    assert.ok(record?.standing?.attributes.includes('mail'))
  })

  it('is not asked about again, also with prompt=none, once it is remembered', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    await throughPage(browser, service, agreed)
    const again = await browser.open(await service.authorizationUrl())
    await service.redeem(again)
    await service.redeem(await browser.open(await service.authorizationUrl({ prompt: 'none' })))
  })

  it('gets consent_required for prompt=none before that', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl({ prompt: 'none' }))
    assert.equal(errorOf(page), 'consent_required')
  })

  it('gets access_denied from who does not agree', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'ask' })
    const { browser, person } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const denied = await decide(browser, page, no)
    assert.equal(errorOf(denied), 'access_denied')
    assert.equal((await recordOf(person._id, clientId, 'oidc'))?.standing, undefined)
    const [entry] = await auditOf(app, person._id, /^consent\./)
    assert.equal(entry?.event, 'consent.disagree')
  })

  it('asks again when a request wants more, not when it wants less', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    await throughPage(browser, service, agreed, { scope: 'openid profile' })
    await service.redeem(await browser.open(await service.authorizationUrl({ scope: 'openid' })))
    const more = await browser.open(await service.authorizationUrl({ scope: 'openid email' }))
    assert.match(textOf(more.body), /Διεύθυνση email νέο/)
    await service.redeem(await decide(browser, more, agreed))
    const both = await browser.open(
      await service.authorizationUrl({ scope: 'openid profile email' }),
    )
    await service.redeem(both)
  })

  it('is asked about claims that the request names one by one', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    const claims = JSON.stringify({ id_token: { email: { essential: true } } })
    const page = await browser.open(await service.authorizationUrl({ scope: 'openid', claims }))
    assert.match(textOf(page.body), /Διεύθυνση email/)
    assert.doesNotMatch(textOf(page.body), /Ονοματεπώνυμο/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    assert.match(String(tokens.claims()?.email), /@uni\.example\.gr$/)
  })

  it('is asked about a request that is as long as it can be', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    const names = Array.from({ length: 900 }, (_, index) => `claim_${index}_${Math.random()}`)
    const claims = JSON.stringify({
      userinfo: { email: null, ...Object.fromEntries(names.map((name) => [name, null])) },
    })
    const url = new URL(await service.authorizationUrl({ scope: 'openid', claims }))
    const pushed = await client.buildAuthorizationUrlWithPAR(
      service.configuration,
      url.searchParams,
    )
    const page = await browser.open(pushed.href)
    assert.match(textOf(page.body), /Διεύθυνση email/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    assert.ok((await userinfo(service, tokens.access_token)).email)
  })

  it('is not asked about what an administrator releases and the request does not name', async () => {
    const { service } = await oidcService({ disclosure: 'ask', release: ['schacYearOfBirth'] })
    const { browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    assert.doesNotMatch(textOf(page.body), /Έτος γέννησης/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    const facts = await userinfo(service, tokens.access_token)
    assert.equal(facts.schac_year_of_birth, undefined)
  })

  it('shows the page again for prompt=consent (Core 3.1.2.1)', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    await throughPage(browser, service, agreed)
    const page = await browser.open(await service.authorizationUrl({ prompt: 'consent' }))
    await service.redeem(await decide(browser, page, agreed))
    const denied = await browser.open(await service.authorizationUrl({ prompt: 'consent' }))
    assert.equal(errorOf(await decide(browser, denied, no)), 'access_denied')
  })

  it('has an agreement for once in the tokens of that sign-in, and asks again for new ones', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    const tokens = await throughPage(browser, service, once)
    assert.ok((await userinfo(service, tokens.access_token)).name)
    const refreshed = await client.refreshTokenGrant(service.configuration, tokens.refresh_token!)
    assert.ok((await userinfo(service, refreshed.access_token)).name)
    consentForm(await browser.open(await service.authorizationUrl()))
  })

  it('does not get by another browser’s tokens what was agreed to once in this one', async () => {
    const { service } = await oidcService({ disclosure: 'silent' })
    const { browser, account } = await signedIn()
    const elsewhere = new Browser(app.baseUrl)
    const early = await service.signIn(elsewhere, account.username)
    const { client_id: clientId } = service.configuration.clientMetadata()
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    await throughPage(browser, service, once)
    const facts = await userinfo(service, early.access_token)
    assert.deepEqual(Object.keys(facts), ['sub'])
  })

  it('gives by old tokens what was agreed to, when it was silent as they were made', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'silent' })
    const { browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const tokens = await service.redeem(page)
    assert.ok((await userinfo(service, tokens.access_token)).name)
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    assert.deepEqual(Object.keys(await userinfo(service, tokens.access_token)), ['sub'])
    await throughPage(browser, service, agreed, { scope: 'openid email' })
    const refreshed = await client.refreshTokenGrant(service.configuration, tokens.refresh_token!)
    const facts = await userinfo(service, refreshed.access_token)
    assert.deepEqual(Object.keys(facts).sort(), ['email', 'email_verified', 'sub'])
  })

  it('gives nothing by tokens from when it informed: having read a notice is no consent', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'inform' })
    const { browser } = await signedIn()
    const tokens = await throughPage(browser, service, agreed)
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    assert.deepEqual(Object.keys(await userinfo(service, tokens.access_token)), ['sub'])
  })

  it('does not get what became available after the person agreed', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'ask', block: ['mail'] })
    const { browser } = await signedIn()
    const tokens = await throughPage(browser, service, agreed)
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    const facts = await userinfo(service, tokens.access_token)
    assert.equal(facts.email, undefined)
    assert.ok(facts.name)
  })
})

describe('Withdrawing', () => {
  it('ends the service’s tokens, offline ones too, and the next request asks', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'ask' })
    const { browser, account, person } = await signedIn()
    const tokens = await throughPage(browser, service, agreed, offline)
    const ref = { protocol: 'oidc', id: clientId } as const
    const about = { personId: person._id, username: account.username, service: ref }
    assert.equal(await withdrawConsent(app.context, { ...about, by: 'owner' }), true)
    await assert.rejects(userinfo(service, tokens.access_token), { status: 401 })
    await assert.rejects(client.refreshTokenGrant(service.configuration, tokens.refresh_token!), {
      error: 'invalid_grant',
    })
    const page = await browser.open(await service.authorizationUrl())
    const renewed = await service.redeem(await decide(browser, page, agreed))
    assert.ok((await userinfo(service, renewed.access_token)).name)
  })

  it('leaves other services, other people and other sign-ins of the session alone', async () => {
    const [first, second] = [
      await oidcService({ disclosure: 'ask' }),
      await oidcService({ disclosure: 'ask' }),
    ]
    const [one, other] = [await signedIn(), await signedIn()]
    const kept = await throughPage(one.browser, second.service, agreed)
    const others = await throughPage(other.browser, first.service, agreed)
    await throughPage(one.browser, first.service, agreed)
    await withdrawConsent(app.context, {
      personId: one.person._id,
      username: one.account.username,
      service: { protocol: 'oidc', id: first.clientId },
      by: 'owner',
    })
    assert.ok((await userinfo(second.service, kept.access_token)).name)
    assert.ok((await userinfo(first.service, others.access_token)).name)
  })

  it('counts from its first write: what is still to be removed gives nothing', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'ask' })
    const { browser, person } = await signedIn()
    const tokens = await throughPage(browser, service, once)
    await recordWithdrawal(
      person._id,
      { protocol: 'oidc', id: clientId },
      { at: app.context.now() },
    )
    assert.deepEqual(Object.keys(await userinfo(service, tokens.access_token)), ['sub'])
  })

  it('between the decision and the answer asks again', async () => {
    const { service, clientId } = await oidcService({ disclosure: 'ask' })
    const { browser, account, person } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const form = consentForm(page)
    const decided = await browser.request(
      new URL(form.action, page.url).href,
      new URLSearchParams({ ...form.fields, ...once }),
    )
    await withdrawConsent(app.context, {
      personId: person._id,
      username: account.username,
      service: { protocol: 'oidc', id: clientId },
      by: 'owner',
    })
    const answer = await browser.open(new URL(decided.location!, page.url).href)
    consentForm(answer)
  })
})

describe('An OpenID Connect service that does not ask', () => {
  it('shows a notice once when it informs, and prompt=consent does not bring it back', async () => {
    const { service } = await oidcService({ disclosure: 'inform' })
    const { browser } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    assert.match(textOf(page.body), /θα λάβει αυτά τα στοιχεία σας/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    assert.ok((await userinfo(service, tokens.access_token)).name)
    await service.redeem(await browser.open(await service.authorizationUrl(offline)))
  })

  it('is answered at once when silent, with prompt=consent too', async () => {
    const { service, clientId } = await oidcService({})
    const { browser, person } = await signedIn()
    await service.redeem(await browser.open(await service.authorizationUrl(offline)))
    assert.equal(await recordOf(person._id, clientId, 'oidc'), null)
  })
})

describe('A request with a preset', () => {
  it('is asked about what the preset names of what its scopes ask for', async () => {
    const { service } = await oidcService({ disclosure: 'ask', preset: 'webmail' })
    const { browser, account } = await signedIn()
    const page = await browser.open(await service.authorizationUrl())
    const text = textOf(page.body)
    assert.match(text, /Διεύθυνση email/)
    assert.doesNotMatch(text, /Φοιτητής/)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    const facts = await userinfo(service, tokens.access_token)
    assert.equal(facts.email, `${account.username}@uni.example.gr`)
    assert.equal(facts.eduperson_affiliation, undefined)
  })
})

describe('A pushed request, or one that wants the password again', () => {
  it('is asked about after the password that prompt=login wants', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser, account } = await signedIn()
    await throughPage(browser, service, agreed)
    app.advance(2000)
    const login = await browser.open(await service.authorizationUrl({ prompt: 'login consent' }))
    const page = await browser.signIn(login, account.username, testPassword)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    assert.ok((await userinfo(service, tokens.access_token)).name)
  })

  it('is asked about like any other', async () => {
    const { service } = await oidcService({ disclosure: 'ask' })
    const { browser } = await signedIn()
    const url = new URL(await service.authorizationUrl())
    const pushed = await client.buildAuthorizationUrlWithPAR(
      service.configuration,
      url.searchParams,
    )
    const page = await browser.open(pushed.href)
    const tokens = await service.redeem(await decide(browser, page, agreed))
    assert.ok((await userinfo(service, tokens.access_token)).name)
  })
})
