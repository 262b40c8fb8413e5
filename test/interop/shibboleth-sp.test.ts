import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Browser, type Page } from './support/browser.ts'
import { waitUntil } from './support/daemon.ts'
import {
  affiliate,
  everyAttribute,
  identifierAttributes,
  sensitiveAttributes,
  shutOut,
  staffAndStudent,
  student,
  studentAttributes,
  studentTwice,
} from './support/demo-people.ts'
import { freePorts } from './support/free-ports.ts'
import { unescapeHtml } from './support/html-forms.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import {
  attributesOf,
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import {
  applicationEntityId,
  applicationUrl,
  type SpApplication,
} from './support/shibboleth-config.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const passwordClass = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const smartcardClass = 'urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI'
const persistentFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

const [plainPort = 0, sealedPort = 0, postingPort = 0, waitingPort = 0] = await freePorts(4)
/** Assertions in clear, unsigned requests; asks for all but the identifiers. */
const plain: SpApplication = {
  id: 'plain',
  port: plainPort,
  requestedAttributes: everyAttribute.filter((id) => !identifierAttributes.includes(id)),
}
/** Everything encrypted and signed both ways; a pseudonymous service that wants identifiers. */
const sealed: SpApplication = {
  id: 'sealed',
  port: sealedPort,
  hasEncryptionKey: true,
  signsRequests: true,
  wantsSignedAssertions: true,
  subjectIdRequirement: 'pairwise-id',
  nameIdFormat: persistentFormat,
  requestedAttributes: ['eduPersonTargetedID', 'affiliation'],
}
/** Sends its signed requests by HTTP-POST. */
const posting: SpApplication = {
  id: 'posting',
  port: postingPort,
  hasEncryptionKey: true,
  signsRequests: true,
  requestBinding: 'HTTP-POST',
  subjectIdRequirement: 'subject-id',
  requestedAttributes: ['eppn', 'eduPersonUniqueId', 'ou'],
}

/** Its metadata came in, and no administrator has looked at it. */
const waiting: SpApplication = {
  id: 'waiting',
  port: waitingPort,
  isPending: true,
  requestedAttributes: ['eppn'],
}

let identityProvider: RunningIdentityProvider
let site: ServiceSite

before(async () => {
  identityProvider = await startIdentityProvider()
  site = await startServices(identityProvider, newSiteFolder(), {
    applications: [plain, sealed, posting, waiting],
  })
})

showLogsOnFailure(() => [identityProvider, site])

after(async () => {
  await site?.stop()
  await identityProvider?.stop()
})

describe('Shibboleth SP: attributes', () => {
  it('reports exactly the expected attributes of a student, assertion in clear', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(plain), student)
    assertSignedIn(page)
    assert.match(lastResponse(browser), /<saml:Assertion\b/)
    const { 'transient-id': transientId, ...attributes } = attributesOf(page)
    assert.deepEqual(attributes, studentAttributes)
    const [nameQualifier, spNameQualifier, value] = (transientId ?? '').split('!')
    assert.equal(nameQualifier, identityProvider.entityId)
    assert.equal(spNameQualifier, applicationEntityId(plain))
    assert.ok(value && !value.includes(student.username))
  })

  it('keeps national numbers back though the service asks for them', async () => {
    const attributes = attributesOf(await new Browser().open(protectedPage(plain), student))
    for (const id of sensitiveAttributes) {
      assert.ok(plain.requestedAttributes.includes(id))
      assert.equal(attributes[id], undefined)
    }
  })

  it('reports every value of somebody with several roles', async () => {
    const staff = attributesOf(await new Browser().open(protectedPage(plain), staffAndStudent))
    assert.equal(staff['unscoped-affiliation'], 'staff;employee;student;member')
    assert.equal(
      staff.affiliation,
      'staff@uni.example.gr;employee@uni.example.gr;student@uni.example.gr;member@uni.example.gr',
    )
    const twice = attributesOf(await new Browser().open(protectedPage(plain), studentTwice))
    assert.deepEqual(twice.ou?.split(';').sort(), [
      'Τμήμα Ιστορίας και Αρχαιολογίας',
      'Τμήμα Μαθηματικών',
    ])
  })

  it('reports exactly the expected attributes from an encrypted assertion', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(sealed), student)
    assertSignedIn(page)
    assert.match(lastResponse(browser), /<saml:EncryptedAssertion\b/)
    assert.doesNotMatch(lastResponse(browser), /<saml:Assertion\b/)
    const attributes = attributesOf(page)
    const pseudonym = /^([a-z2-7]{32})@uni\.example\.gr$/.exec(attributes['pairwise-id'] ?? '')?.[1]
    assert.ok(pseudonym, attributes['pairwise-id'])
    const qualified = `${identityProvider.entityId}!${applicationEntityId(sealed)}!${pseudonym}`
    assert.deepEqual(attributes, {
      affiliation: 'student@uni.example.gr;member@uni.example.gr',
      'pairwise-id': `${pseudonym}@uni.example.gr`,
      'persistent-id': qualified,
      eduPersonTargetedID: qualified,
    })
  })

  it('gives the same pseudonym at every sign-in, and different people different ones', async () => {
    const pseudonymOf = async (who: typeof student) =>
      attributesOf(await new Browser().open(protectedPage(sealed), who))['persistent-id']
    const first = await pseudonymOf(student)
    assert.ok(first)
    assert.equal(await pseudonymOf(student), first)
    assert.notEqual(await pseudonymOf(studentTwice), first)
  })

  it('gives subject-id where it is demanded, equal to eduPersonUniqueId', async () => {
    const attributes = attributesOf(await new Browser().open(protectedPage(posting), student))
    assert.match(attributes['subject-id'] ?? '', /^[a-z0-9]{1,127}@uni\.example\.gr$/i)
    assert.equal(attributes.eduPersonUniqueId, attributes['subject-id'])
    const { 'transient-id': _transient, ...others } = attributes
    assert.deepEqual(Object.keys(others).sort(), ['eduPersonUniqueId', 'eppn', 'ou', 'subject-id'])
  })
})

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
    assert.equal(request?.action, `${identityProvider.baseUrl}/saml/sso`)
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
    assert.equal(environment.Shib_Identity_Provider, identityProvider.entityId)
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
    assert.ok(form.url.startsWith(identityProvider.baseUrl))
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
      `${identityProvider.baseUrl}/saml/unsolicited?${query}`,
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
    assert.ok(refused.url.startsWith(identityProvider.baseUrl))
    assert.match(refused.text, /SAML_SERVICE_NOT_APPROVED/)
    await identityProvider.cli('sp', 'approve', applicationEntityId(waiting))
    await waitUntil('the approved service is let in', async () => {
      const page = await new Browser().open(protectedPage(waiting), student)
      return attributesOf(page).eppn === student.eppn
    })
  })

  it('gives nothing more for somebody who was disabled after signing in', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(plain), affiliate))
    await identityProvider.cli('account', 'disable', affiliate.username)
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
      assert.ok(page.url.startsWith(identityProvider.baseUrl))
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

function protectedPage(application: SpApplication): string {
  return `${applicationUrl(application)}/protected/`
}

/** Open to everybody; shows the session when there is one. */
function openPage(application: SpApplication): string {
  return `${applicationUrl(application)}/open/`
}

/** The address at the service that starts a sign-in with these wishes. */
function login(application: SpApplication, wishes: Record<string, string>): string {
  const query = new URLSearchParams({ target: protectedPage(application), ...wishes })
  return `${applicationUrl(application)}/Shibboleth.sso/Login?${query}`
}

function assertSignedIn(page: Page): void {
  assert.equal(page.status, 200, `${page.url}:\n${page.text}`)
  assert.ok(environmentOf(page).Shib_Session_ID, `no session at ${page.url}:\n${page.text}`)
}

function assertNoSession(page: Page): void {
  assert.equal(page.status, 200)
  assert.equal(environmentOf(page).Shib_Session_ID, undefined)
}

/** The Response that went by last, XML. */
function lastResponse(browser: Browser): string {
  const message = browser.posted.findLast(({ fields }) => fields.has('SAMLResponse'))
  return Buffer.from(message?.fields.get('SAMLResponse') ?? '', 'base64').toString()
}

/** The last request by HTTP-Redirect that reached us. */
function ssoRequest(browser: Browser): string {
  return browser.visited.findLast((url) => url.includes('/saml/sso?')) ?? ''
}
