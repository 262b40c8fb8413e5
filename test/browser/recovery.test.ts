import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { issueRecoveryCode } from '../../src/people/recovery-code.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { accessibilityFaults } from '../support/axe.ts'
import {
  assertNoSidewaysScrolling,
  desktop,
  openBrowser,
  phone,
  withPage,
} from '../support/browser.ts'
import { RecoveryWalk } from '../support/recovery-walk.ts'
import { importRows, studentRow } from '../support/registrant.ts'

const newPassword = 'Limani-52-Rigani'

describe('A forgotten password, in a browser', () => {
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

  /** A synthetic student who has activated her account and left her contacts with us. */
  async function addStudent() {
    const row = studentRow()
    await importRows(app, row)
    const walk = new ActivationWalk(app)
    await walk.activate({ email: row.email ?? '' })
    const account = await findAccountByUsername(row.username ?? '')
    assert.ok(account?.email)
    return { account, pin: await walk.lastPin(account.email) }
  }

  for (const [language, locale, device, viewport, javaScriptEnabled] of [
    ['Greek', 'el-GR', 'phone', phone, true],
    ['Greek', 'el-GR', 'phone', phone, false],
    ['English', 'en-GB', 'desktop', desktop, true],
    ['English', 'en-GB', 'phone', phone, false],
  ] as const) {
    it(`is replaced by mail (${language}, ${device}, JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
      const { account, pin } = await addStudent()
      const faults: string[] = []
      const options = { viewport, locale, javaScriptEnabled, bypassCSP: javaScriptEnabled }
      await withPage(browser, options, async (page) => {
        const look = async (name: string) => {
          assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), name)
          await assertNoSidewaysScrolling(page)
          if (!javaScriptEnabled) return
          faults.push(...(await accessibilityFaults(page)).map((fault) => `${name}: ${fault}`))
        }
        await page.goto(`${app.baseUrl}/login`)
        await page.locator('a[href^="/account/recover"]').first().click()
        await look('recover')
        await page.locator('form.card button.go').click()
        await look('recover-missing')
        await page.fill('#username', account.username)
        await page.check('input[name=channel][value=email]')
        await page.fill('input[name=contact]', account.email as string)
        await page.locator('form.card button.go').first().click()
        await page.waitForURL('**/account/recover/code')
        await look('code')
        assert.equal(await page.getAttribute('#code', 'autocomplete'), 'one-time-code')
        assert.equal(await page.getAttribute('#code', 'inputmode'), 'numeric')
        await page.fill('#code', '12')
        await page.locator('form button.go').first().click()
        await look('code-error')
        await page.fill('#code', await new RecoveryWalk(app).lastCode(account.email as string, pin))
        await page.locator('form button.go').first().click()
        await page.waitForURL('**/account/recover/password')
        await look('password')
        await page.fill('#password', 'abc')
        await page.locator('form.card button.go').click()
        await look('password-error')
        await page.fill('#password', newPassword)
        await page.fill('#passwordRepeat', newPassword)
        await page.locator('form.card button.go').click()
        await page.waitForURL('**/account/recover/done')
        await look('done')
        await page.goto(app.baseUrl)
        assert.match(await page.locator('main').innerText(), new RegExp(account.username))
        await page.goto(`${app.baseUrl}/account/recover/help`)
        await look('help')
      })
      assert.deepEqual(faults, [])
    })
  }

  it('shows the same pages to who is not the owner, and no code ever fits', async () => {
    const { account } = await addStudent()
    await withPage(browser, { viewport: phone, locale: 'el-GR' }, async (page) => {
      await page.goto(`${app.baseUrl}/account/recover`)
      await page.fill('#username', account.username)
      await page.check('input[name=channel][value=email]')
      await page.fill('input[name=contact]', 'somebody.else@example.org')
      await page.locator('form.card button.go').first().click()
      await page.waitForURL('**/account/recover/code')
      for (let tries = 1; tries <= 5; tries++) {
        await page.fill('#code', '123456')
        await page.locator('form button.go').first().click()
      }
      assert.match(await page.locator('main').innerText(), /ACCOUNT_CODE_USED_UP/)
    })
  })

  it('is replaced with a passphrase from the helpdesk too', async () => {
    const { account } = await addStudent()
    const passphrase = await issueRecoveryCode(app.context, account._id, { days: 1 })
    await withPage(browser, { viewport: phone, locale: 'el-GR' }, async (page) => {
      await page.goto(`${app.baseUrl}/register/code`)
      await page.fill('#username', account.username)
      await page.fill('#passphrase', passphrase)
      await page.fill('#password', newPassword)
      await page.fill('#passwordRepeat', newPassword)
      await page.check('#terms')
      await page.locator('form.card button.go').click()
      await page.goto(app.baseUrl)
      assert.match(await page.locator('main').innerText(), new RegExp(account.username))
    })
  })
})
