import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { demoAccounts } from '../../demo/people.ts'
import {
  assertNoSidewaysScrolling,
  type DemoSite,
  desktop,
  openService,
  phone,
  signIn,
  useDemoSite,
  withPage,
} from '../support/browser.ts'

const student = demoAccounts.find(({ state }) => state === 'active')!

describe('A student with a browser, at a CAS service', () => {
  let site: DemoSite
  let browser: Browser
  useDemoSite((opened) => {
    site = opened.site
    browser = opened.browser
  })

  for (const [viewport, javaScriptEnabled] of [
    [phone, true],
    [desktop, false],
  ] as const) {
    it(`signs in, proves the password again, and signs out (JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
      await withPage(browser, { viewport, locale: 'el-GR', javaScriptEnabled }, async (page) => {
        const { casService, home } = site
        await openService(page, casService)
        await signIn(page, student)
        await page.waitForURL(`${casService}/`)
        await assertNoSidewaysScrolling(page)
        const text = await page.locator('main').innerText()
        assert.match(text, new RegExp(`${student.username}@uni\\.example\\.gr`))

        await page.locator('a[href="/login?again=1"]').click()
        await page.waitForURL(/\/login\?flow=/)
        await signIn(page, student)
        await page.waitForURL(`${casService}/`)

        await page.locator('form[action="/logout"] button').click()
        await page.waitForURL(`${casService}/signed-out`)
        await page.goto(`${home}/account`)
        await page.waitForURL(/\/login/)
      })
    })
  }
})
