import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { startTestApp, type TestApp } from '../support/app.ts'
import { openBrowser, phone, tabTo, withPage } from '../support/browser.ts'
import { BrowserWalk, typedPassword } from '../support/browser-walk.ts'
import { importRows, studentRow } from '../support/registrant.ts'

describe('The pages of the activation in hands that do other things', () => {
  let app: TestApp
  let browser: Browser
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await app?.close()
  })

  /** A student in the registry, and her browser. */
  async function withStudent(
    use: (walk: BrowserWalk, page: Page, student: { mobile: string; email: string }) => unknown,
    options: BrowserContextOptions = {},
  ) {
    const row = studentRow()
    await importRows(app, row)
    const student = { mobile: (row.mobile ?? '').slice(3), email: row.email ?? '' }
    await withPage(browser, { viewport: phone, locale: 'el-GR', ...options }, async (page) => {
      await use(new BrowserWalk(page, app.baseUrl), page, student)
    })
  }

  it('can be gone through by keyboard alone', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      const send = async (key = 'Enter') => {
        const loaded = page.waitForEvent('load')
        await page.keyboard.press(key)
        await loaded
      }
      await walk.open('/register')
      await tabTo(page, 'form[action="/register"] button')
      await send()
      await tabTo(page, '[name=role]')
      await page.keyboard.press('Space')
      await send()
      await tabTo(page, '#mobile')
      await page.keyboard.type(mobile)
      await send()
      await tabTo(page, '#pin')
      await page.keyboard.type(await walk.lastPin({ mobile }))
      await send()
      await tabTo(page, '#consentMobile')
      await page.keyboard.press('Space')
      await tabTo(page, 'button[value=agree]')
      await send()
      await tabTo(page, 'button.suggestion')
      await page.keyboard.press('Enter')
      assert.notEqual(await page.inputValue('#password'), '')
      await tabTo(page, '#terms')
      await page.keyboard.press('Space')
      await tabTo(page, 'main form.card button.go')
      await send()
      assert.equal(walk.path(), '/register/done')
    })
  })

  it('put what is wrong first: the summary has the focus and leads to the field', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      const errorLeadsTo = async (field: string) => {
        assert.ok(await page.locator('.error-summary:focus').count(), `no focus on ${walk.path()}`)
        assert.match(await page.title(), /^Σφάλμα/)
        await page.keyboard.press('Tab')
        await page.keyboard.press('Enter')
        assert.equal(await page.locator(':focus').getAttribute('id'), field)
        const input = page.locator(`#${field}`)
        if (field === 'role') return
        assert.equal(await input.getAttribute('aria-invalid'), 'true')
        const describedBy = (await input.getAttribute('aria-describedby')) ?? ''
        assert.match(describedBy, /-error/)
        for (const id of describedBy.split(' ')) assert.ok(await page.locator(`#${id}`).count(), id)
      }
      await walk.open('/register')
      await walk.press('form[action="/register"] button')
      await walk.press()
      await errorLeadsTo('role')
      await walk.chooseRole()
      await walk.press()
      await errorLeadsTo('mobile')
      await walk.contact({ mobile })
      await walk.pin('12')
      await errorLeadsTo('pin')
      await walk.sentPin({ mobile })
      await walk.agree()
      await walk.press('main form.card button.go')
      await errorLeadsTo('password')
    })
  })

  it('tell the device what each field takes', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      const attributes = (field: string) =>
        page.$eval(field, (input) => ({
          type: input.getAttribute('type'),
          autocomplete: input.getAttribute('autocomplete'),
          inputmode: input.getAttribute('inputmode'),
        }))
      await walk.begin()
      const tel = { type: 'tel', autocomplete: 'tel', inputmode: null }
      assert.deepEqual(await attributes('#mobile'), tel)
      const email = { type: 'email', autocomplete: 'email', inputmode: null }
      assert.deepEqual(await attributes('#email'), email)
      await walk.contact({ mobile })
      const pin = { type: 'text', autocomplete: 'one-time-code', inputmode: 'numeric' }
      assert.deepEqual(await attributes('#pin'), pin)
      await walk.sentPin({ mobile })
      await walk.agree()
      assert.equal((await attributes('#username')).autocomplete, 'username')
      for (const field of ['#password', '#passwordRepeat']) {
        const password = { type: 'password', autocomplete: 'new-password', inputmode: null }
        assert.deepEqual(await attributes(field), password)
      }
    })
  })

  it('are ready for typing in their first field', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      const focused = () => page.locator(':focus').getAttribute('id')
      await walk.begin()
      assert.equal(await focused(), 'mobile')
      await walk.contact({ mobile })
      assert.equal(await focused(), 'pin')
      const row = studentRow({ amka: '' })
      await importRows(app, row)
      await walk.toReview({ email: row.email })
      assert.equal(await focused(), 'amka')
      await walk.open('/register/number?kind=foreign')
      assert.equal(await focused(), 'ssnCountry')
    })
  })

  it('switch the language and stay where they are', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      const switchTo = async (language: 'EN' | 'GR') => {
        const path = walk.path()
        await page.getByRole('link', { name: language, exact: true }).click()
        await page.waitForURL(/lang=/)
        assert.equal(walk.path(), path)
        const expected = language === 'EN' ? 'en' : 'el'
        assert.equal(await page.getAttribute('html', 'lang'), expected)
      }
      await walk.open('/register')
      await switchTo('EN')
      await walk.press('form[action="/register"] button')
      await switchTo('GR')
      await walk.chooseRole()
      // A form with an error has no address of its own: the links lead to the form.
      await walk.press()
      await switchTo('EN')
      await walk.contact({ mobile })
      await switchTo('GR')
      await walk.sentPin({ mobile })
      await switchTo('EN')
      await walk.press('button[value=disagree]')
      await switchTo('GR')
      await walk.press('a[href="/register/review"]')
      await walk.agree()
      await switchTo('EN')
      await walk.password()
      await switchTo('GR')
      assert.match(await walk.text(), /Καλωσήλθατε/)
    })
  })

  it('bear the back button and a reload at every step', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      await walk.begin()
      await walk.contact({ mobile })
      await page.goBack()
      assert.equal(walk.path(), '/register/contact')
      await page.goForward()
      await page.reload()
      assert.equal(walk.path(), '/register/pin')
      await walk.sentPin({ mobile })
      await page.reload()
      assert.equal(walk.path(), '/register/review')
      // The PIN has been used: its page leads to where the activation is.
      await page.goBack()
      if (walk.path() !== '/register/review') await page.reload()
      assert.equal(walk.path(), '/register/review')
      await walk.agree()
      await page.goBack()
      assert.equal(walk.path(), '/register/review')
      await walk.agree()
      await walk.password()
      assert.equal(walk.path(), '/register/done')
      await page.reload()
      assert.match(await walk.text(), /Καλωσήλθατε/)
      await page.goBack()
      await page.reload()
      assert.equal(walk.path(), '/register/done')
    })
  })

  it('go on in another tab', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      await walk.begin()
      await walk.contact({ mobile })
      const other = new BrowserWalk(await page.context().newPage(), app.baseUrl)
      await other.open('/register')
      await other.press('main a[href="/register/continue"]')
      assert.equal(other.path(), '/register/pin')
      await other.sentPin({ mobile })
      await other.agree()
      await other.password()
      await walk.pin('123456')
      assert.equal(walk.path(), '/register/done')
    })
  })

  it('send one PIN when the button is pressed twice', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      await walk.begin()
      await page.fill('#mobile', mobile)
      const arrived = page.waitForURL(/\/register\/pin/)
      await page.locator('main form button.go').dblclick()
      await arrived
      const answer = await page.context().request.get(`${app.baseUrl}/dev/outbox`, {
        headers: { Accept: 'application/json' },
      })
      const messages = (await answer.json()) as { to: string }[]
      assert.equal(messages.filter(({ to }) => to === `+30${mobile}`).length, 1)
    })
  })

  it('tick the rules of the password while it is typed', async () => {
    await withStudent(async (walk, page, { mobile }) => {
      await walk.toReview({ mobile })
      await walk.agree()
      const met = () => page.locator('#password-rules .met').count()
      const rules = await page.locator('#password-rules [data-rule]').count()
      assert.equal(await met(), 0)
      await page.locator('#password').pressSequentially('a1b2')
      const some = await met()
      assert.ok(some > 0 && some < rules)
      await page.fill('#password', typedPassword)
      assert.equal(await met(), rules)
      await page.locator('[data-shows=password]').click()
      assert.equal(await page.getAttribute('#password', 'type'), 'text')
    })
  })
})
