import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { affiliate, student, studentTwice } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { type RelyingPartySite, relyingPartyUrl } from './support/openid-config.ts'
import {
  attributesOf,
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import { applicationEntityId, type SpApplication } from './support/shibboleth-config.ts'
import { assertSignedIn, lastResponse, protectedPage } from './support/shibboleth-pages.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const [samlPort = 0, oidcPort = 0] = await freePorts(2)
const application: SpApplication = {
  id: 'asking',
  port: samlPort,
  hasEncryptionKey: true,
  requestedAttributes: ['eppn', 'mail', 'sn-el'],
}
const relyingParty: RelyingPartySite = {
  clientId: 'asking-client',
  port: oidcPort,
  scope: 'openid email',
  authentication: {
    method: 'client_secret_basic',
    secret: 'interop-secret-with-enough-characters-0123456789',
  },
}

let identityProvider: RunningIdentityProvider
let site: ServiceSite

before(async () => {
  identityProvider = await startIdentityProvider()
  site = await startServices(identityProvider, newSiteFolder(), {
    applications: [application],
    relyingParties: [relyingParty],
  })
  const ask = ['--disclosure', 'ask']
  await identityProvider.cli('sp', 'override', applicationEntityId(application), ...ask)
  await identityProvider.cli('client', 'override', relyingParty.clientId, ...ask)
})
showLogsOnFailure(() => [identityProvider, site])
after(async () => {
  await site?.stop()
  await identityProvider?.stop()
})

/** Presses a button of the consent page. */
function decide(browser: Browser, page: Page, values: Record<string, string>): Promise<Page> {
  assert.match(page.url, /\/consent\?flow=/, page.text.slice(0, 2000))
  const form = page.forms.find(({ fields }) => fields.has('remember'))
  assert.ok(form, page.text)
  return browser.submit(form, values)
}

describe('Shibboleth SP: a service that must ask', () => {
  const address = protectedPage(application)

  it('gets what the person saw and agreed to, and does not ask again', async () => {
    const browser = new Browser()
    const question = await browser.open(address, student)
    assert.match(question.text, /dpapadopoulou@uni\.example\.gr/)
    assert.equal(browser.posted.length, 0)
    const page = await decide(browser, question, { decision: 'agree', remember: 'yes' })
    assertSignedIn(page)
    const { 'transient-id': _, ...attributes } = attributesOf(page)
    assert.deepEqual(attributes, {
      eppn: 'dpapadopoulou@uni.example.gr',
      mail: 'dpapadopoulou@uni.example.gr',
      'sn-el': 'Παπαδοπούλου',
    })
    assertSignedIn(await new Browser().open(address, student))
  })

  it('is told RequestDenied when the person disagrees, and learns nothing', async () => {
    const browser = new Browser()
    const question = await browser.open(address, studentTwice)
    const page = await decide(browser, question, { decision: 'disagree' })
    assert.equal(environmentOf(page).Shib_Session_ID, undefined)
    const response = lastResponse(browser)
    assert.match(response, /status:RequestDenied/)
    assert.doesNotMatch(response, /Assertion\b|akaragianni/)
  })

  it('asks again after the consent was withdrawn', async () => {
    await identityProvider.cli(
      'consent',
      'withdraw',
      student.username,
      applicationEntityId(application),
    )
    const page = await new Browser().open(address, student)
    assert.match(page.url, /\/consent\?flow=/)
  })
})

describe('mod_auth_openidc: a service that must ask', () => {
  const address = `${relyingPartyUrl(relyingParty)}/protected/`

  it('gets its claims after the person agreed', async () => {
    const browser = new Browser()
    const question = await browser.open(address, student)
    const page = await decide(browser, question, { decision: 'agree', remember: 'yes' })
    assert.equal(environmentOf(page).OIDC_CLAIM_email, 'dpapadopoulou@uni.example.gr', page.text)
  })

  it('gets access_denied when the person disagrees', async () => {
    const browser = new Browser()
    const question = await browser.open(address, affiliate)
    // Debian's module writes more than the length that its error page announces, which strict readers
    // refuse; what it was told is in the address.
    const page = await decide(browser, question, { decision: 'disagree' }).catch(() => undefined)
    assert.ok(browser.visited.some((url) => /[?&]error=access_denied\b/.test(url)))
    assert.equal(page && environmentOf(page).OIDC_CLAIM_email, undefined)
    assert.match((await browser.open(address)).url, /\/consent\?flow=/)
  })
})
