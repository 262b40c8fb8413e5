import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fetchUserInfo } from 'openid-client'
import { browserName } from '../../src/account/browser-name.ts'
import { shortAddress } from '../../src/account/short-address.ts'
import { signInsAtOnce } from '../../src/account/sign-ins.ts'
import { attributeTable } from '../../src/attributes/attribute-table.ts'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { nameIdFormats } from '../../src/saml/uris.ts'
import { sessionHandle } from '../../src/sso/own-sessions.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { viewsDir } from '../../src/web/render.ts'
import { loadMessages } from '../../src/web/translate.ts'
import { Browser } from '../oidc/browser.ts'
import { TestService } from '../oidc/relying-party-support.ts'
import { pathOf, postedForm, registerService, serviceLibrary } from '../saml/sso-support.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type Answer, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const path = '/account/sign-ins'
const chromeOnAndroid =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36'
const safariOnIphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1'
const firefoxOnWindows =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0'

describe('My sign-ins', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  /** A browser that signs in and says so of itself. */
  async function signInWith(username: string, userAgent: string, password = testPassword) {
    const walk = new AccountWalk(app)
    const page = await walk.open('/login')
    const fields = { _csrf: hiddenField(page.body, '_csrf'), username, password }
    await walk.client.post('/login', fields, { 'user-agent': userAgent })
    return walk
  }

  /** What the audit log has queued is in the store then. */
  async function open(walk: AccountWalk, address = path): Promise<string> {
    await app.context.audit.close()
    const { body, status } = await walk.open(address)
    assert.equal(status, 200)
    return body
  }

  const handles = (body: string) =>
    [...body.matchAll(/name="session" value="([^"]+)"/g)].map(([, handle]) => handle!)

  async function isSignedIn(walk: AccountWalk): Promise<boolean> {
    return (await walk.client.get('/account')).status === 200
  }

  it('list when, from where, with what and how I signed in, and what failed', async () => {
    const { account } = await addPerson()
    await signInWith(account.username, firefoxOnWindows, 'λάθος')
    const walk = await signInWith(account.username, safariOnIphone)
    const body = await open(walk)
    const recent = body.slice(body.indexOf('Πρόσφατες συνδέσεις'))
    assert.match(recent, /Safari σε iPhone[\s\S]*127\.0\.0\.\*[\s\S]*Με κωδικό πρόσβασης/)
    assert.match(recent, /Απέτυχε[\s\S]*Firefox σε Windows[\s\S]*Λάθος κωδικός πρόσβασης/)
    assert.ok(!body.includes('127.0.0.1'), 'the address is shortened')
    assert.match(body, /Εδώ, τώρα/)
    assert.match(body, /Δεν είστε συνδεδεμένοι πουθενά αλλού/)
  })

  it('show nothing of what a hostile browser says of itself', async () => {
    const { account } = await addPerson()
    const walk = await signInWith(account.username, '"><script>alert(1)</script> Chrome/1 {{7*7}}')
    const body = await open(walk)
    assert.ok(!body.includes('alert(1)'))
    assert.ok(!body.includes('7*7') && !body.includes('{49}'))
    const strange = await signInWith(account.username, '<b>x</b>')
    assert.match(await open(strange), /Άγνωστος φυλλομετρητής/)
  })

  it('go back page by page, and miss none of several in one instant', async () => {
    const { account } = await addPerson()
    const walk = await signInWith(account.username, chromeOnAndroid)
    const start = app.context.now().getTime() - 3_600_000
    const total = 2 * signInsAtOnce + 5
    await AuditModel.insertMany(
      Array.from({ length: total }, (_, index) => ({
        // Three at a time in the same millisecond.
        at: new Date(start - Math.floor(index / 3)),
        event: 'login',
        result: 'success',
        personId: account._id,
        service: `https://service-${index}.example`,
      })),
    )
    const seen: string[] = []
    let next: string | undefined = path
    let pages = 0
    while (next !== undefined) {
      const body = await open(walk, next)
      assert.equal(handles(body).length, 0)
      seen.push(...[...body.matchAll(/Προς: https:\/\/service-(\d+)\./g)].map(([, n]) => n!))
      next = /href="(\/account\/sign-ins\?before=\d+)"/.exec(body)?.[1]
      pages += 1
    }
    assert.equal(new Set(seen).size, total)
    assert.equal(seen.length, total)
    assert.ok(pages >= 3)
  })

  it('end one session: that browser is out, the others stay', async () => {
    const { account } = await addPerson()
    const phone = await signInWith(account.username, chromeOnAndroid)
    const tablet = await signInWith(account.username, safariOnIphone)
    const here = await signInWith(account.username, firefoxOnWindows)
    const body = await open(here)
    const sessions = body.slice(body.indexOf('Συνδεδεμένοι τώρα'), body.indexOf('Πρόσφατες'))
    assert.equal(handles(body).length, 2)
    // This browser comes first, then the newest.
    assert.match(sessions, /Firefox σε Windows[\s\S]*Safari σε iPhone[\s\S]*Chrome σε Android/)
    const answer = await here.submit(`${path}/end`, { session: handles(body)[1]! }, path)
    assert.match(answer.body, /Έγινε αποσύνδεση/)
    assert.deepEqual(await Promise.all([phone, tablet, here].map(isSignedIn)), [false, true, true])
    await app.context.audit.close()
    const [entry] = await AuditModel.find({ personId: account._id, event: 'session.end' }).lean()
    assert.ok(entry?.sessionId)
    assert.deepEqual(entry.details, { by: 'owner', sessions: 1 })
  })

  it('cannot end the session of somebody else, whatever is sent', async () => {
    const victim = await addPerson()
    const victimWalk = await signInWith(victim.account.username, chromeOnAndroid)
    const stored = await SsoSessionModel.findOne({ personId: victim.account._id }).lean()
    assert.ok(stored)
    const attacker = await addPerson()
    const walk = await signInWith(attacker.account.username, firefoxOnWindows)
    const form = await walk.open(path)
    const _csrf = hiddenField(form.body, '_csrf')
    for (const session of [sessionHandle({ id: stored._id }), stored._id, '', 'x', '$ne']) {
      const answer = await walk.post(`${path}/end`, { session }, _csrf)
      assert.match(answer.body, /είχε ήδη λήξει/)
    }
    await walk.post(`${path}/end`, { 'session[$ne]': 'x' }, _csrf)
    assert.ok(await isSignedIn(victimWalk))
    assert.ok(await isSignedIn(walk))
  })

  it('need the token of our own page to end anything', async () => {
    const { account } = await addPerson()
    const walk = await signInWith(account.username, firefoxOnWindows)
    for (const action of ['end', 'end-others', 'end-all']) {
      const answer = await walk.client.post(`${path}/${action}`, { session: 'x' })
      assert.equal(answer.status, 403)
    }
  })

  it('end all others with one press', async () => {
    const { account } = await addPerson()
    const others = await Promise.all(
      [chromeOnAndroid, safariOnIphone].map((agent) => signInWith(account.username, agent)),
    )
    const here = await signInWith(account.username, firefoxOnWindows)
    const answer = await here.submit(`${path}/end-others`, {}, path)
    assert.match(answer.body, /Μείνατε συνδεδεμένοι μόνο εδώ/)
    assert.match(answer.body, /Δεν είστε συνδεδεμένοι πουθενά αλλού/)
    assert.ok(await isSignedIn(here))
    for (const other of others) assert.ok(!(await isSignedIn(other)))
  })

  it('end all of them, this one too', async () => {
    const { account } = await addPerson()
    const other = await signInWith(account.username, chromeOnAndroid)
    const here = await signInWith(account.username, firefoxOnWindows)
    await here.submit(`${path}/end-all`, {}, path)
    for (const walk of [here, other]) assert.ok(!(await isSignedIn(walk)))
  })

  it('name the services that received my data, which and when: SAML and OpenID Connect', async () => {
    const service = {
      entityId: `https://saml-${Date.now()}.example/sp`,
      acsUrl: 'https://saml.example/acs',
    }
    await registerService(service)
    const { account } = await addPerson()
    const walk = await signInWith(account.username, firefoxOnWindows)
    const none = await open(walk, `${path}/services`)
    assert.match(none, /Καμία υπηρεσία δεν έχει λάβει/)
    const saml = serviceLibrary(app, service)
    const sent: Answer = await walk.open(pathOf(await saml.getAuthorizeUrlAsync('', '', {})))
    postedForm(sent)

    const relyingParty = await TestService.create(app.baseUrl)
    const tokens = await relyingParty.signIn(new Browser(app.baseUrl), account.username)
    const subject = tokens.claims()?.sub ?? ''
    await fetchUserInfo(relyingParty.configuration, tokens.access_token, subject)

    const body = await open(walk, `${path}/services`)
    const [, oidcCard, samlCard] = body.split('<section')
    assert.match(oidcCard!, /Test service[\s\S]*1 φορά[\s\S]*Ονοματεπώνυμο/)
    assert.match(oidcCard!, /Διεύθυνση email/)
    assert.match(samlCard!, /saml\.example[\s\S]*1 φορά[\s\S]*Ονοματεπώνυμο/)
    assert.match(samlCard!, /Η σχέση σας με το Ίδρυμα/)
    assert.ok(!samlCard!.includes('Διεύθυνση email'), 'it did not receive that')
    assert.ok(!body.includes('urn:oid'))

    const page = await open(walk)
    assert.match(page, /Υπηρεσίες: /)
    assert.match(page, /Προς: Test service/)

    // Told by the NameID alone: no attribute of that name went.
    await setServiceOverrides(service.entityId, { nameIdFormat: nameIdFormats.emailAddress })
    postedForm(await walk.open(pathOf(await saml.getAuthorizeUrlAsync('', '', {}))))
    const [, first] = (await open(walk, `${path}/services`)).split('<section')
    assert.match(first!, /saml\.example[\s\S]*2 φορές[\s\S]*Διεύθυνση email/)
    const other = await addPerson()
    const otherWalk = await signInWith(other.account.username, firefoxOnWindows)
    assert.match(await open(otherWalk, `${path}/services`), /Καμία υπηρεσία/)
  })

  it('do not list what idled away, nor show the secret ids of sessions', async () => {
    const { account } = await addPerson()
    await signInWith(account.username, chromeOnAndroid)
    // The last test: services of another clock refuse to be answered.
    app.advance((app.context.config.sessionIdleSeconds + 60) * 1000)
    const here = await signInWith(account.username, firefoxOnWindows)
    const body = await open(here)
    assert.deepEqual(handles(body), [])
    const records = await SsoSessionModel.find({ personId: account._id }).lean()
    for (const { _id } of records) assert.ok(!body.includes(_id))
  })
})

describe('browserName', () => {
  it('knows the browsers that people use, on what they use', () => {
    const samples: [string, string?, string?][] = [
      [chromeOnAndroid, 'Chrome', 'Android'],
      [safariOnIphone, 'Safari', 'iPhone'],
      [firefoxOnWindows, 'Firefox', 'Windows'],
      [
        'Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36',
        'Samsung Internet',
        'Android',
      ],
      [
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0',
        'Edge',
        'Windows',
      ],
      [
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
        'Safari',
        'macOS',
      ],
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.0.0 Mobile/15E148 Safari/604.1',
        'Chrome',
        'iPhone',
      ],
      [
        'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
        'Firefox',
        'Linux',
      ],
      ['curl/8.5.0', undefined, undefined],
      ['', undefined, undefined],
    ]
    for (const [userAgent, browser, system] of samples)
      assert.deepEqual(browserName(userAgent), { browser, system }, userAgent)
    assert.deepEqual(browserName(undefined), { browser: undefined, system: undefined })
  })
})

describe('shortAddress', () => {
  it('leaves out the last octet of IPv4 and all but the /64 of IPv6', () => {
    assert.equal(shortAddress('192.0.2.77'), '192.0.2.*')
    assert.equal(shortAddress('::ffff:192.0.2.77'), '192.0.2.*')
    assert.equal(shortAddress('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2:*')
    assert.equal(shortAddress('2001:db8::1'), '2001:db8:0:0:*')
    for (const none of [undefined, '', 'unknown', '<b>'])
      assert.equal(shortAddress(none), undefined)
  })
})

describe('names of attributes', () => {
  it('exist in both languages for every attribute that a service can receive', () => {
    for (const language of ['el', 'en'] as const) {
      const texts = loadMessages(viewsDir, language)
      for (const { name } of attributeTable) assert.ok(texts.has(`attribute.${name}`), name)
    }
  })
})
