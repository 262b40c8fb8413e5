import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { demoActivations } from '../../demo/activations.ts'
import { demoAccounts, demoRegistryRows } from '../../demo/people.ts'
import {
  agreeToRelease,
  assertNoSidewaysScrolling,
  continueByHand,
  type DemoSite,
  desktop,
  openService,
  phone,
  signIn,
  useDemoSite,
  withPage as withBrowserPage,
} from '../support/browser.ts'
import { BrowserWalk, typedPassword } from '../support/browser-walk.ts'

interface Registrant {
  readonly username: string
  readonly mobile: string
  readonly firstNameEl: string
}

/** Students of the demo with a complete record and a telephone of their own, one for each test. */
const students = demoRegistryRows().filter(
  (row, _index, rows) =>
    row.role === 'student' &&
    row.status === 'active' &&
    row.citizenship === 'GR' &&
    row.username &&
    row.amka &&
    row.birthDate &&
    rows.filter(({ mobile }) => mobile === row.mobile).length === 1 &&
    !demoAccounts.some(({ username }) => username === row.username) &&
    !demoActivations.some(({ mobile }) => `+30${mobile}` === row.mobile),
)

function nextStudent(): Registrant {
  const row = students.shift()
  assert.ok(row?.username && row.mobile && row.firstNameEl, 'the demo has no student left')
  return { username: row.username, mobile: row.mobile.slice(3), firstNameEl: row.firstNameEl }
}

describe('A student who activates the account with a browser', () => {
  let site: DemoSite
  let browser: Browser
  useDemoSite((opened) => {
    site = opened.site
    browser = opened.browser
  })

  const withWalk = (
    use: (walk: BrowserWalk, page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ) =>
    withBrowserPage(browser, { viewport: phone, locale: 'el-GR', ...options }, (page) =>
      use(new BrowserWalk(page, site.home), page),
    )

  for (const javaScriptEnabled of [true, false]) {
    for (const [language, locale, welcome] of [
      ['Greek', 'el-GR', /Καλωσήλθατε/],
      ['English', 'en-GB', /Welcome/],
    ] as const) {
      for (const [device, viewport] of [
        ['phone', phone],
        ['desktop', desktop],
      ] as const) {
        it(`comes from the first page to a service with one sign-in (${language}, ${device}, JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
          const { username, mobile } = nextStudent()
          await withWalk(
            async (walk, page) => {
              const arriveAt = async (path: string, shows: RegExp) => {
                assert.equal(walk.path(), path)
                assert.match(await walk.text(), shows)
                assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2))
                await assertNoSidewaysScrolling(page)
              }
              await walk.open('/')
              await walk.press('main a[href="/register"]')
              await arriveAt('/register', /./)
              await walk.start()
              await arriveAt('/register/contact', /1\/4/)
              await walk.contact({ mobile })
              await arriveAt('/register/pin', /2\/4/)
              await walk.sentPin({ mobile })
              await arriveAt('/register/review', /3\/4/)
              assert.ok((await walk.text()).includes(username))
              await walk.choose('#consentMobile')
              await walk.agree()
              await arriveAt('/register/password', /4\/4/)
              const password = await walk.password(javaScriptEnabled)
              await arriveAt('/register/done', welcome)
              assert.ok((await walk.text()).includes(username))

              await walk.open('/')
              await arriveAt('/', new RegExp(username))
              await openService(page, site.samlService)
              await agreeToRelease(page)
              await continueByHand(page, javaScriptEnabled)
              await page.waitForURL(`${site.samlService}/**`)
              assert.match(await walk.text(), new RegExp(`${username}@uni\\.example\\.gr`))

              await page.context().clearCookies({ name: /^(?!lang)/ })
              await walk.open('/login')
              await signIn(page, { username, password })
              await page.waitForURL(`${site.home}/`)
            },
            { viewport, locale, javaScriptEnabled },
          )
        })
      }
    }
  }

  it('types the AMKA that the record lacks, and types it again when it was wrong', async () => {
    const iason = { mobile: '6900009002' }
    const amka = amkaToTell(iason.mobile)
    await withWalk(async (walk, page) => {
      await walk.toReview(iason)
      assert.equal(walk.path(), '/register/number')
      await page.fill('#amka', '01010100053')
      await walk.press()
      assert.match(await walk.text(), /Ανεπιτυχής έλεγχος του ΑΜΚΑ/)
      await walk.press('main a[href="/register/number"]')
      await page.fill('#amka', amka)
      await walk.press()
      assert.equal(walk.path(), '/register/review')
      assert.match(await walk.text(), new RegExp(amka))
      await walk.agree()
      await walk.password()
      // Greek men's names end in -ς: the welcome does not address them in the nominative.
      assert.match(await walk.text(), /Καλωσήλθατε\s+Ιάσων|Καλωσήλθατε, Ιάσων/)
    })
  })

  it("gives another country's insurance number", async () => {
    const sofie = { email: 'sofie@example.org' }
    await withWalk(
      async (walk, page) => {
        await walk.toReview(sofie)
        await walk.press('a[href="/register/number?kind=foreign"]')
        await page.selectOption('#ssnCountry', 'DK')
        await page.fill('#ssn', 'SYNTHETIC190801')
        await walk.press()
        assert.match(await walk.text(), /Denmark[\s\S]*SYNTHETIC190801/)
        await walk.agree()
        await walk.password()
        assert.match(await walk.text(), /Welcome, Sofie/)
      },
      { locale: 'en-GB' },
    )
  })

  it('shares a telephone with a brother, and says her birth date', async () => {
    const family = { mobile: '6900009005' }
    await withWalk(async (walk) => {
      await walk.toReview(family)
      assert.equal(walk.path(), '/register/fact')
      assert.doesNotMatch(await walk.text(), /Μακρή|Μακρής|Δέσποινα|Φώτιος/)
      await walk.birthDate(2, 9, 2005)
      const review = await walk.text()
      assert.match(review, /Δέσποινα Μακρή/)
      assert.doesNotMatch(review, /Φώτιος/)
      await walk.agree()
      await walk.password()
      assert.match(await walk.text(), /Καλωσήλθατε, Δέσποινα/)
    })
  })

  it('shares a mail address with a twin, and says the registration number too', async () => {
    const twins = { email: 'twins@example.org' }
    await withWalk(async (walk, page) => {
      await walk.toReview(twins)
      await walk.birthDate(17, 4, 2006)
      await page.fill('#registrationNumber', '20259008')
      await walk.press()
      assert.match(await walk.text(), /Οδυσσέας Διαμαντής/)
    })
  })

  it('disagrees, comes back and agrees', async () => {
    const { mobile, username } = nextStudent()
    await withWalk(async (walk) => {
      await walk.toReview({ mobile })
      await walk.press('button[value=disagree]')
      assert.equal(walk.path(), '/register/disagree')
      assert.match(await walk.text(), /Δεν αποθηκεύτηκε τίποτα/)
      await walk.press('a[href="/register/review"]')
      await walk.agree()
      await walk.password()
      assert.match(await walk.text(), new RegExp(username))
    })
  })

  it('disagrees and leaves; nothing is left to go on with', async () => {
    const { mobile } = nextStudent()
    await withWalk(async (walk) => {
      await walk.toReview({ mobile })
      await walk.press('button[value=disagree]')
      await walk.press('form[action="/register/leave"] button')
      assert.equal(walk.path(), '/register')
      await walk.open('/register/review')
      assert.equal(walk.path(), '/register')
    })
  })

  it('adds a second role to the account that she has, by signing in', async () => {
    const alexandra = accountOf('astavropoulou')
    await withWalk(async (walk, page) => {
      await walk.toReview({ mobile: '6900009011' }, 'staff')
      assert.match(await walk.text(), /Έχετε ήδη λογαριασμό/)
      await walk.press('main a.go')
      await signIn(page, alexandra)
      await page.waitForURL(/\/register\/review/)
      await walk.agree()
      assert.equal(walk.path(), '/register/done')
      await walk.open('/')
      const home = await walk.text()
      assert.match(home, /Διδακτορικές σπουδές/)
      assert.doesNotMatch(home, /Δεν έχει ενεργοποιηθεί/)
    })
  })

  it('is told where the contact is corrected when nobody is found', async () => {
    await withWalk(async (walk, page) => {
      await walk.begin()
      await walk.contact({ mobile: '6999999999' })
      const text = await walk.text()
      assert.match(text, /Δεν βρέθηκε χρήστης με αυτά τα στοιχεία/)
      assert.match(text, /Γραμματεία/)
      assert.equal(await page.inputValue('#mobile'), '6999999999')
    })
  })

  it('types the PIN wrong, reads how many tries are left, and begins anew after the fifth', async () => {
    const { mobile } = nextStudent()
    await withWalk(async (walk) => {
      await walk.begin()
      await walk.contact({ mobile })
      const wrong = otherThan(await walk.lastPin({ mobile }))
      for (const left of ['Απομένουν 4', 'Απομένουν 3', 'Απομένουν 2', 'Απομένει 1']) {
        await walk.pin(wrong)
        assert.match(await walk.text(), new RegExp(left))
      }
      await walk.pin(wrong)
      assert.match(await walk.text(), /Ο κωδικός PIN δεν ισχύει πια/)
      await walk.press('form[action="/register"] button')
      assert.equal(walk.path(), '/register/role')
    })
  })

  for (const javaScriptEnabled of [true, false]) {
    it(`comes with a passphrase on paper (JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
      const { username } = nextStudent()
      const printed = await site.command('account', 'recovery-code', username, '--json')
      const { passphrase } = JSON.parse(printed) as { passphrase: string }
      await withWalk(
        async (walk, page) => {
          await walk.open('/register')
          await walk.press('main a[href="/register/code"]')
          await page.fill('#username', username)
          await page.fill('#passphrase', passphrase.toUpperCase())
          await walk.password(javaScriptEnabled)
          assert.equal(walk.path(), '/register/done')
          assert.match(await walk.text(), new RegExp(username))
        },
        { javaScriptEnabled },
      )
    })
  }

  for (const javaScriptEnabled of [true, false]) {
    it(`comes from a service and ends there (JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
      const { mobile, username } = nextStudent()
      await withWalk(
        async (walk, page) => {
          await openService(page, site.samlService)
          await walk.press('main a[href^="/register?flow="]')
          await walk.start()
          await walk.contact({ mobile })
          await walk.sentPin({ mobile })
          await walk.agree()
          await walk.password(javaScriptEnabled)
          await page.getByRole('link', { name: /Συνέχεια στην υπηρεσία/ }).click()
          await agreeToRelease(page)
          await continueByHand(page, javaScriptEnabled)
          await page.waitForURL(`${site.samlService}/**`)
          assert.match(await walk.text(), new RegExp(`${username}@uni\\.example\\.gr`))
        },
        { javaScriptEnabled },
      )
    })
  }

  it('is told that the account is active already, and where to sign in', async () => {
    await withWalk(async (walk, page) => {
      await walk.toReview({ mobile: '6900000001' })
      assert.match(await walk.text(), /ήδη ενεργοποιημένος[\s\S]*dpapadopoulou/)
      assert.ok(await page.locator('main a[href="/account/recover"]').count())
    })
  })

  it('refuses a password that is no good and keeps what is not secret', async () => {
    const { mobile, username } = nextStudent()
    await withWalk(async (walk, page) => {
      await walk.toReview({ mobile })
      await walk.agree()
      await walk.choose('#terms')
      await page.fill('#password', username)
      await page.fill('#passwordRepeat', username)
      await walk.press('main form.card button.go')
      assert.equal(walk.path(), '/register/password')
      assert.ok(await page.locator('#terms').isChecked())
      assert.equal(await page.inputValue('#password'), '')
      await page.fill('#password', typedPassword)
      await page.fill('#passwordRepeat', typedPassword)
      await walk.press('main form.card button.go')
      assert.equal(walk.path(), '/register/done')
    })
  })
})

function accountOf(username: string) {
  const account = demoAccounts.find((candidate) => candidate.username === username)
  assert.ok(account, `the demo has no ${username}`)
  return account
}

/** The AMKA that the trial page gives for somebody. */
function amkaToTell(mobile: string): string {
  const told = demoActivations.find((candidate) => candidate.mobile === mobile)?.tell?.el
  const amka = /\d{11}/.exec(told ?? '')?.[0]
  assert.ok(amka, `the trial page gives no AMKA for ${mobile}`)
  return amka
}

function otherThan(pin: string): string {
  return pin === '123456' ? '654321' : '123456'
}
