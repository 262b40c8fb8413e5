import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser as Chromium } from 'playwright-core'
import { openBrowser } from '../support/browser.ts'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import {
  loggedOutUrl,
  type RelyingPartySite,
  redirectUri,
  relyingPartyUrl,
} from './support/openid-config.ts'
import {
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import { applicationUrl, type SpApplication } from './support/shibboleth-config.ts'
import {
  assertNoSession,
  assertSignedIn,
  openPage,
  protectedPage,
} from './support/shibboleth-pages.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const [soapPort = 0, frontPort = 0, askerPort = 0, oidcPort = 0] = await freePorts(4)
/** Told over SOAP. */
const bySoap: SpApplication = {
  id: 'soap',
  port: soapPort,
  signsRequests: true,
  requestedAttributes: ['eppn'],
}
/** Told by the browser. */
const byFront: SpApplication = {
  id: 'front',
  port: frontPort,
  hasNoSoapLogout: true,
  signsRequests: true,
  wantsLogoutResponse: true,
  requestedAttributes: ['eppn'],
}
/** Asks for its logout over SOAP. */
const soapAsker: SpApplication = {
  id: 'asker',
  port: askerPort,
  signsRequests: true,
  logoutBinding: 'SOAP',
  requestedAttributes: ['eppn'],
}
const relyingParty: RelyingPartySite = {
  clientId: 'library-catalogue',
  port: oidcPort,
  scope: 'openid eduperson_principal_name',
  hasBackchannelLogout: true,
  authentication: {
    method: 'client_secret_basic',
    secret: 'interop-secret-with-enough-characters-0123456789',
  },
}
const oidcPage = `${relyingPartyUrl(relyingParty)}/protected/`

let identityProvider: RunningIdentityProvider
let site: ServiceSite
let chromium: Chromium | undefined

before(async () => {
  identityProvider = await startIdentityProvider({ FETCH_LOOPBACK: 'true', WEB_CONCURRENCY: '2' })
  site = await startServices(identityProvider, newSiteFolder(), {
    applications: [bySoap, byFront, soapAsker],
    relyingParties: [relyingParty],
  })
})

showLogsOnFailure(() => [identityProvider, site])

after(async () => {
  await chromium?.close()
  await site?.stop()
  await identityProvider?.stop()
})

/** The page of the logout, once nobody is being told any more; as a browser without script. */
async function settled(browser: Browser, first: Page): Promise<Page> {
  let page = first
  for (let tries = 0; /http-equiv="refresh"/.test(page.text) && tries < 60; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    page = await browser.open(first.url)
  }
  return page
}

async function signOut(browser: Browser): Promise<Page> {
  const question = await browser.open(`${identityProvider.baseUrl}/logout`)
  const form = question.forms.find(
    ({ action, fields }) => action.endsWith('/logout') && fields.has('_csrf'),
  )
  assert.ok(form, question.text)
  return settled(browser, await browser.submit(form))
}

const states = ({ text }: { text: string }) =>
  [...text.matchAll(/<span class="state [^"]*">([^<]*)</g)].map(([, state]) => state)

async function assertSignedOut(browser: Browser, application: SpApplication): Promise<void> {
  assertNoSession(await browser.open(openPage(application)))
}

async function assertSignedOutOfOidc(browser: Browser): Promise<void> {
  const page = await browser.open(oidcPage)
  assert.ok(
    page.forms.some(({ fields }) => fields.has('password')),
    page.url,
  )
}

describe('Single logout at our own page', () => {
  it('ends the sessions at Shibboleth SP (SOAP) and mod_auth_openidc (logout token)', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(bySoap), student))
    assert.equal(environmentOf(await browser.open(oidcPage)).OIDC_CLAIM_sub !== undefined, true)
    const page = await signOut(browser)
    assert.deepEqual(states(page), ['Signed out', 'Signed out'], page.text)
    await assertSignedOut(browser, bySoap)
    await assertSignedOutOfOidc(browser)
  })

  it('ends the session at a Shibboleth SP that only the browser can tell, in Chromium', async () => {
    chromium ??= await openBrowser()
    const context = await chromium.newContext({ locale: 'en-GB' })
    const page = await context.newPage()
    await page.goto(protectedPage(byFront))
    await page.fill('input[name=username]', student.username)
    await page.fill('input[name=password]', student.password)
    // The protected page is no page but a file.
    const arrived = page.waitForEvent('download')
    await page.press('input[name=password]', 'Enter')
    await arrived
    await page.goto(`${identityProvider.baseUrl}/logout`)
    await page.locator('form.card button').first().click()
    await page.waitForURL(/\/logout\/[\w-]{22}$/)
    await page.getByText('All services confirmed').waitFor({ timeout: 8000 })
    assert.equal(await page.locator('.entries .state').first().textContent(), 'Signed out')
    const answer = await context.request.get(openPage(byFront))
    assert.equal(environmentOf({ text: await answer.text() }).Shib_Session_ID, undefined)
    await context.close()
  })
})

describe('Single logout that a service asks for', () => {
  it('by Redirect at Shibboleth SP: the others are told before it gets its answer', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(byFront), student))
    assertSignedIn(await browser.open(protectedPage(bySoap)))
    await browser.open(oidcPage)
    const page = await browser.open(`${applicationUrl(byFront)}/Shibboleth.sso/Logout`)
    assert.ok(browser.visited.some((url) => url.includes('/saml/slo?SAMLRequest=')))
    assert.ok(page.url.startsWith(applicationUrl(byFront)), page.url)
    assert.doesNotMatch(page.text, /partial/i)
    await assertSignedOut(browser, byFront)
    await assertSignedOut(browser, bySoap)
    await assertSignedOutOfOidc(browser)
  })

  it('by Redirect without waiting for an answer: the browser stays at our page', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(bySoap), student))
    await browser.open(oidcPage)
    const first = await browser.open(`${applicationUrl(bySoap)}/Shibboleth.sso/Logout`)
    const page = await settled(browser, first)
    assert.match(page.url, /\/logout\/[\w-]{22}$/)
    assert.deepEqual(states(page), ['Signed out'])
    await assertSignedOut(browser, bySoap)
    await assertSignedOutOfOidc(browser)
  })

  it('over SOAP at Shibboleth SP: our session and the other service’s end without the browser', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(soapAsker), student))
    assertSignedIn(await browser.open(protectedPage(bySoap)))
    await browser.open(`${applicationUrl(soapAsker)}/Shibboleth.sso/Logout`)
    assert.ok(!browser.visited.some((url) => url.includes('/saml/slo')), 'no browser is needed')
    await assertSignedOut(browser, soapAsker)
    await assertSignedOut(browser, bySoap)
    await assertSignedOutOfOidc(browser)
  })

  it('at mod_auth_openidc: the Shibboleth SP is told, and the browser returns to the service', async () => {
    const browser = new Browser()
    await browser.open(oidcPage, student)
    assertSignedIn(await browser.open(protectedPage(bySoap)))
    const query = new URLSearchParams({ logout: loggedOutUrl(relyingParty) })
    const done = await browser.open(`${redirectUri(relyingParty)}?${query}`)
    assert.equal(done.url.split('?')[0], loggedOutUrl(relyingParty))
    await assertSignedOut(browser, bySoap)
    await assertSignedOutOfOidc(browser)
  })
})

describe('An account that is locked on the command line', () => {
  it('is signed out at both services, and the command says who could not be told', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(bySoap), student))
    assertSignedIn(await browser.open(protectedPage(byFront)))
    await browser.open(oidcPage)
    try {
      const output = await identityProvider.cli('account', 'lock', student.username)
      assert.match(output, /\d sign-ins ended\n {2}\d services ended their sessions too\n/)
      assert.match(output, /still signed in at .*: it has no way to be told without the browser/)
      await assertSignedOut(browser, bySoap)
    } finally {
      await identityProvider.cli('account', 'unlock', student.username)
    }
    await assertSignedOutOfOidc(browser)
  })
})
