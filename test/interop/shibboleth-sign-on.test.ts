import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unescapeHtml } from '../support/html.ts'
import { Browser, type Page } from './support/browser.ts'
import { waitUntil } from './support/daemon.ts'
import { affiliate, shutOut, staffAndStudent, student } from './support/demo-people.ts'
import { attributesOf, environmentOf } from './support/service-site.ts'
import { applicationEntityId, applicationUrl } from './support/shibboleth-config.ts'
import {
  assertNoSession,
  assertSignedIn,
  lastResponse,
  login,
  openPage,
  protectedPage,
} from './support/shibboleth-pages.ts'
import { plain, posting, sealed, useShibboleth, waiting } from './support/shibboleth-scene.ts'

const passwordClass = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const smartcardClass = 'urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI'

const { identityProvider } = useShibboleth()

describe('Shibboleth SP: requests', () => {
  it('signs in with an unsigned request by HTTP-Redirect', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(plain), student))
    assert.doesNotMatch(ssoRequest(browser), /[?&]Signature=/)
  })

  it('signs in with a signed request by HTTP-Redirect', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(sealed), student))
    assert.match(ssoRequest(browser), /[?&]Signature=/)
  })

  it('signs in with a signed request by HTTP-POST', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(posting), student))
    const request = browser.posted.find(({ fields }) => fields.has('SAMLRequest'))
    assert.equal(request?.action, `${identityProvider().baseUrl}/saml/sso`)
    const xml = Buffer.from(request.fields.get('SAMLRequest') ?? '', 'base64').toString()
    assert.match(xml, /<ds:SignatureValue>/)
  })

  it('refuses the unsigned request of a service that says it signs', async () => {
    const browser = new Browser()
    await browser.open(protectedPage(sealed))
    const url = new URL(ssoRequest(browser))
    for (const name of ['SigAlg', 'Signature']) url.searchParams.delete(name)
    const page = await new Browser().open(url.href, student)
    assert.equal(page.status, 400)
    assert.match(page.text, /SAML_SIGNATURE_REQUIRED/)
  })

  it('says when and how the person signed in', async () => {
    const environment = environmentOf(await new Browser().open(protectedPage(plain), student))
    assert.equal(environment.Shib_Identity_Provider, identityProvider().entityId)
    assert.equal(environment.Shib_AuthnContext_Class, passwordClass)
    const ageMs = Date.now() - Date.parse(environment.Shib_Authentication_Instant ?? '')
    assert.ok(ageMs > -1000 && ageMs < 60_000, environment.Shib_Authentication_Instant)
    assert.ok(environment.Shib_Session_Index)
    assert.equal(environment.REMOTE_USER, student.eppn)
  })

  it('asks for the password again on ForceAuthn, and says when that was', async () => {
    const browser = new Browser()
    const before = await browser.open(protectedPage(plain), student)
    const form = await browser.open(login(plain, { forceAuthn: 'true' }))
    assert.ok(form.url.startsWith(identityProvider().baseUrl))
    assert.ok(form.forms.some(({ fields }) => fields.has('password')))
    const again = await browser.open(login(plain, { forceAuthn: 'true' }), student)
    assertSignedIn(again)
    assert.equal(browser.signIns, 2)
    const instantOf = (page: Page) =>
      Date.parse(environmentOf(page).Shib_Authentication_Instant ?? '')
    assert.ok(instantOf(again) > instantOf(before))
  })

  it('answers NoPassive to IsPassive when nobody is signed in', async () => {
    const browser = new Browser()
    const page = await browser.open(login(plain, { isPassive: 'true', target: openPage(plain) }))
    assert.match(lastResponse(browser), /status:NoPassive/)
    assert.equal(page.url, openPage(plain))
    assert.equal(environmentOf(page).Shib_Session_ID, undefined)
  })

  it('signs in without a word on IsPassive when somebody is signed in', async () => {
    const browser = new Browser()
    await browser.open(protectedPage(sealed), student)
    const page = await browser.open(login(plain, { isPassive: 'true', target: openPage(plain) }))
    assert.equal(page.url, openPage(plain))
    assertSignedIn(page)
    assert.equal(browser.signIns, 1)
  })

  it('meets a RequestedAuthnContext for a password', async () => {
    const page = await new Browser().open(
      login(plain, { authnContextClassRef: passwordClass, authnContextComparison: 'exact' }),
      student,
    )
    assertSignedIn(page)
    assert.equal(environmentOf(page).Shib_AuthnContext_Class, passwordClass)
  })

  it('answers NoAuthnContext to a RequestedAuthnContext for a smart card', async () => {
    const browser = new Browser()
    const page = await browser.open(
      login(plain, { authnContextClassRef: smartcardClass, authnContextComparison: 'exact' }),
      student,
    )
    assert.match(unescapeHtml(page.text), /statusCode2: .*:NoAuthnContext/)
    assertNoSession(await browser.open(openPage(plain)))
  })

  it('takes a sign-on that starts with us', async () => {
    const query = new URLSearchParams({
      providerId: applicationEntityId(sealed),
      target: protectedPage(sealed),
    })
    const page = await new Browser().open(
      `${identityProvider().baseUrl}/saml/unsolicited?${query}`,
      student,
    )
    assert.equal(page.url, protectedPage(sealed))
    assertSignedIn(page)
  })
})

describe('Shibboleth SP: trust', () => {
  it('refuses our Response when one value in it was changed on the way', async () => {
    const browser = new Browser()
    browser.stopsAtMessages = true
    const passing = await browser.open(protectedPage(plain), student)
    const [form] = passing.forms
    assert.ok(form)
    const xml = Buffer.from(form.fields.get('SAMLResponse') ?? '', 'base64').toString()
    const changed = xml.replace(`>${student.eppn}<`, `>${staffAndStudent.eppn}<`)
    assert.notEqual(changed, xml)
    const page = await browser.submit(form, {
      SAMLResponse: Buffer.from(changed).toString('base64'),
    })
    assert.match(unescapeHtml(page.text), /errorText: .*signature/i)
    assertNoSession(await browser.open(openPage(plain)))
  })

  it('waits for the administrator’s approval, which the running server notices', async () => {
    const refused = await new Browser().open(protectedPage(waiting), student)
    assert.ok(refused.url.startsWith(identityProvider().baseUrl))
    assert.match(refused.text, /SAML_SERVICE_NOT_APPROVED/)
    await identityProvider().cli('sp', 'approve', applicationEntityId(waiting))
    await waitUntil('the approved service is let in', async () => {
      const page = await new Browser().open(protectedPage(waiting), student)
      return attributesOf(page).eppn === student.eppn
    })
  })

  it('gives nothing more for somebody who was disabled after signing in', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(plain), affiliate))
    await identityProvider().cli('account', 'disable', affiliate.username)
    const page = await browser.open(protectedPage(sealed))
    assert.ok(page.forms.some(({ fields }) => fields.has('password')))
    assert.equal(environmentOf(await browser.open(openPage(sealed))).Shib_Session_ID, undefined)
    const told = await browser.open(protectedPage(sealed), affiliate)
    assert.equal(told.status, 403)
  })
})

describe('Shibboleth SP: signing out', () => {
  it('ends our session by SAML single logout', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(sealed), student))
    const page = await browser.open(`${applicationUrl(sealed)}/Shibboleth.sso/Logout`)
    assert.ok(browser.visited.some((url) => url.includes('/saml/slo?SAMLRequest=')))
    assert.equal(page.status, 200)
    assertNoSession(await browser.open(openPage(sealed)))
    const again = await browser.open(protectedPage(sealed))
    assert.ok(again.forms.some(({ fields }) => fields.has('password')))
  })
})

describe('Shibboleth SP: one sign-in', () => {
  it('reaches two services with one password', async () => {
    const browser = new Browser()
    for (const application of [plain, sealed, posting]) {
      assertSignedIn(await browser.open(protectedPage(application), student))
    }
    assert.equal(browser.signIns, 1)
  })

  it('goes through again after the service forgot the person', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(plain), student))
    await browser.open(`${applicationUrl(plain)}/Shibboleth.sso/LocalLogout`)
    assertNoSession(await browser.open(openPage(plain)))
    assertSignedIn(await browser.open(protectedPage(plain)))
    assert.equal(browser.signIns, 1)
  })

  it('keeps out those who may not sign in, each with their own page', async () => {
    for (const { title, ...credentials } of shutOut) {
      const browser = new Browser()
      const page = await browser.open(protectedPage(plain), credentials)
      assert.equal(browser.signIns, 1)
      assert.equal(page.status, 403, credentials.username)
      assert.ok(page.url.startsWith(identityProvider().baseUrl))
      assert.match(/<h1>([^<]*)<\/h1>/.exec(page.text)?.[1] ?? '', title)
      assert.deepEqual(browser.posted, [])
      for (const application of [plain, sealed, posting]) {
        assertNoSession(await browser.open(openPage(application)))
        const again = await browser.open(protectedPage(application))
        assert.ok(again.forms.some(({ fields }) => fields.has('password')))
      }
    }
  })

  it('keeps out a wrong password', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(plain), { ...student, password: 'not-this-one' })
    assert.equal(page.status, 401)
    assertNoSession(await browser.open(openPage(plain)))
  })
})

/** The last request by HTTP-Redirect that reached us. */
function ssoRequest(browser: Browser): string {
  return browser.visited.findLast((url) => url.includes('/saml/sso?')) ?? ''
}
