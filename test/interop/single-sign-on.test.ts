import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { student } from './support/demo-people.ts'
import type { HtmlForm } from './support/html-forms.ts'
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
import { showLogsOnFailure } from './support/show-logs.ts'

const [samlPort = 0, oidcPort = 0] = await freePorts(2)
const shibboleth: SpApplication = {
  id: 'eclass',
  port: samlPort,
  hasEncryptionKey: true,
  requestedAttributes: ['eppn'],
}
const relyingParty: RelyingPartySite = {
  clientId: 'library-catalogue',
  port: oidcPort,
  scope: 'openid eduperson_principal_name',
  authentication: {
    method: 'client_secret_basic',
    secret: 'interop-secret-with-enough-characters-0123456789',
  },
}
const samlPage = `${applicationUrl(shibboleth)}/protected/`
const oidcPage = `${relyingPartyUrl(relyingParty)}/protected/`

let identityProvider: RunningIdentityProvider
let site: ServiceSite

before(async () => {
  // Two workers: whichever gets the next request knows the session.
  identityProvider = await startIdentityProvider({ WEB_CONCURRENCY: '2' })
  site = await startServices(identityProvider, newSiteFolder(), {
    applications: [shibboleth],
    relyingParties: [relyingParty],
  })
})

showLogsOnFailure(() => [identityProvider, site])

after(async () => {
  await site?.stop()
  await identityProvider?.stop()
})

describe('One sign-in for Shibboleth SP and mod_auth_openidc', () => {
  it('reaches the OpenID Connect service after the SAML one, as the same person', async () => {
    const browser = new Browser()
    assert.equal(environmentOf(await browser.open(samlPage, student)).eppn, student.eppn)
    assert.equal(principalAt(await browser.open(oidcPage)), student.eppn)
    assert.equal(browser.signIns, 1)
  })

  it('reaches the SAML service after the OpenID Connect one, as the same person', async () => {
    const browser = new Browser()
    assert.equal(principalAt(await browser.open(oidcPage, student)), student.eppn)
    assert.equal(environmentOf(await browser.open(samlPage)).eppn, student.eppn)
    assert.equal(browser.signIns, 1)
  })

  it('reaches both after signing in at our own page', async () => {
    const browser = new Browser()
    const home = await browser.open(`${identityProvider.baseUrl}/login`, student)
    assert.equal(home.url, `${identityProvider.baseUrl}/`)
    assert.equal(environmentOf(await browser.open(samlPage)).eppn, student.eppn)
    assert.equal(principalAt(await browser.open(oidcPage)), student.eppn)
    assert.equal(browser.signIns, 1)
  })

  it('keeps two tabs apart, each on its way to another service', async () => {
    const browser = new Browser()
    const typed = { username: student.username, password: student.password }
    const samlTab = await browser.open(samlPage)
    const oidcTab = await browser.open(oidcPage)
    const atSaml = await browser.submit(loginForm(samlTab), typed)
    assert.equal(atSaml.url, samlPage)
    assert.equal(environmentOf(atSaml).eppn, student.eppn)
    const atOidc = await browser.submit(loginForm(oidcTab), typed)
    assert.equal(atOidc.url, oidcPage)
    assert.equal(principalAt(atOidc), student.eppn)
  })

  it('asks for the password again at the SAML service after the OpenID Connect one signed out', async () => {
    const browser = new Browser()
    await browser.open(oidcPage, student)
    const query = new URLSearchParams({ logout: loggedOutUrl(relyingParty) })
    const done = await browser.open(`${redirectUri(relyingParty)}?${query}`)
    assert.equal(done.url.split('?')[0], loggedOutUrl(relyingParty))
    loginForm(await browser.open(samlPage))
  })

  it('asks both services for the password again after signing out at our own page', async () => {
    const browser = new Browser()
    await browser.open(`${identityProvider.baseUrl}/login`, student)
    const question = await browser.open(`${identityProvider.baseUrl}/logout`)
    const form = question.forms.find(({ action }) => action.endsWith('/logout'))
    assert.ok(form, question.text)
    await browser.submit(form)
    loginForm(await browser.open(samlPage))
    loginForm(await browser.open(oidcPage))
  })
})

function principalAt(page: Page): string | undefined {
  return environmentOf(page).OIDC_CLAIM_eduperson_principal_name
}

/** The page must be our sign-in form. */
function loginForm(page: Page): HtmlForm {
  const form = page.forms.find(({ fields }) => fields.has('password'))
  assert.ok(form && page.url.startsWith(identityProvider.baseUrl), page.url)
  return form
}
