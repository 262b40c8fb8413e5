import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { demoAccounts } from '../../demo/people.ts'
import {
  agreeToRelease,
  assertNoSidewaysScrolling,
  continueByHand,
  type DemoSite,
  desktop,
  openBrowser,
  openService,
  phone,
  signIn,
  startDemoSite,
  tabTo,
  withPage as withBrowserPage,
} from '../support/browser.ts'

const student = accountIn('active')

function accountIn(state: string) {
  const account = demoAccounts.find((candidate) => candidate.state === state)
  assert.ok(account, `the demo has no ${state} account`)
  return account
}

describe('A student with a browser', () => {
  let site: DemoSite
  let browser: Browser
  let home: string
  let samlService: string
  let oidcService: string

  before(async () => {
    site = await startDemoSite()
    ;({ home, samlService, oidcService } = site)
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await site?.close()
  })

  const withPage = (options: BrowserContextOptions, use: (page: Page) => Promise<void>) =>
    withBrowserPage(browser, options, use)

  for (const javaScriptEnabled of [true, false]) {
    for (const [language, locale] of [
      ['Greek', 'el-GR'],
      ['English', 'en-GB'],
    ] as const) {
      for (const [device, viewport] of [
        ['phone', phone],
        ['desktop', desktop],
      ] as const) {
        it(`reaches both services with one sign-in (${language}, ${device}, JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
          await withPage({ viewport, locale, javaScriptEnabled }, async (page) => {
            await openService(page, samlService)
            assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2))
            await assertNoSidewaysScrolling(page)
            await signIn(page, student)
            await agreeToRelease(page)
            await continueByHand(page, javaScriptEnabled)
            await page.waitForURL(`${samlService}/**`)
            const samlText = await page.locator('main').innerText()
            assert.match(samlText, new RegExp(`${student.username}@uni\\.example\\.gr`))
            await assertNoSidewaysScrolling(page)

            await openService(page, oidcService)
            await agreeToRelease(page)
            await page.waitForURL(`${oidcService}/**`)
            assert.match(await page.locator('main').innerText(), /student@uni\.example\.gr/)

            await page.goto(home)
            assert.match(await page.locator('main').innerText(), new RegExp(student.username))
            await assertNoSidewaysScrolling(page)
          })
        })
      }
    }
  }

  it('is told alike about a wrong password, and can go on with the username kept', async () => {
    await withPage({ viewport: phone, locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      await signIn(page, { ...student, password: 'λάθος' })
      assert.match(
        await page.locator('main').innerText(),
        /Το όνομα χρήστη ή ο κωδικός δεν είναι σωστά/,
      )
      assert.equal(await page.inputValue('input[name=username]'), student.username)
      assert.equal(await page.inputValue('input[name=password]'), '')
      await page.fill('input[name=password]', student.password)
      await page.press('input[name=password]', 'Enter')
      await page.waitForURL(`${home}/`)
    })
  })

  it('switches the language on any page, and the choice stays', async () => {
    await withPage({ locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      assert.equal(await page.getAttribute('html', 'lang'), 'el')
      await page.getByRole('link', { name: /EN/ }).first().click()
      assert.equal(await page.getAttribute('html', 'lang'), 'en')
      await page.goto(`${home}/`)
      assert.equal(await page.getAttribute('html', 'lang'), 'en')
    })
  })

  it('finishes two services opened in two tabs, whichever is signed in first', async () => {
    const context = await browser.newContext({ locale: 'el-GR' })
    try {
      const [first, second] = [await context.newPage(), await context.newPage()]
      await openService(first, samlService)
      await openService(second, oidcService)
      await second.waitForURL(/\/login\?flow=/)
      await signIn(second, student)
      await agreeToRelease(second)
      await second.waitForURL(`${oidcService}/**`)
      await signIn(first, student)
      await agreeToRelease(first)
      await first.waitForURL(`${samlService}/**`)
      assert.match(await first.locator('main').innerText(), new RegExp(student.username))
    } finally {
      await context.close()
    }
  })

  for (const state of ['pending', 'locked', 'disabled', 'expired']) {
    it(`with a ${state} account gets in nowhere and reads what to do`, async () => {
      await withPage({ viewport: phone, locale: 'el-GR' }, async (page) => {
        await openService(page, samlService)
        await signIn(page, accountIn(state))
        assert.match(await page.locator('main').innerText(), /help@uni\.example\.gr/)
        await page.goto(home)
        assert.doesNotMatch(
          await page.locator('main').innerText(),
          new RegExp(accountIn(state).username),
        )
        await openService(page, oidcService)
        await page.waitForURL(/\/login\?flow=/)
      })
    })
  }

  it('signs out, and the next service asks again', async () => {
    await withPage({ locale: 'en-GB' }, async (page) => {
      await page.goto(`${home}/login`)
      await signIn(page, student)
      await page.waitForURL(`${home}/`)
      await page.goto(`${home}/logout`)
      await page.locator('main form button').click()
      await openService(page, samlService)
      await page.waitForURL(/\/login\?flow=/)
    })
  })

  it('goes through the sign-in by keyboard alone', async () => {
    await withPage({ locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      await tabTo(page, '[name=username]')
      await page.keyboard.type(student.username)
      await page.keyboard.press('Tab')
      await page.keyboard.type(student.password)
      await page.keyboard.press('Enter')
      await page.waitForURL(`${home}/`)
    })
  })
})
