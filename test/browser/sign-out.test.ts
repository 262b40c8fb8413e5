import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { demoAccounts } from '../../demo/people.ts'
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
  withPage,
} from '../support/browser.ts'

const student = demoAccounts.find(({ state }) => state === 'active')!

describe('A student with a browser who is signed in at three services', () => {
  let site: DemoSite
  let browser: Browser
  useDemoSite((opened) => {
    site = opened.site
    browser = opened.browser
  })

  async function openAll(page: Page, javaScriptEnabled: boolean): Promise<void> {
    const { samlService, oidcService, casService } = site
    await openService(page, samlService)
    await signIn(page, student)
    await agreeToRelease(page)
    await continueByHand(page, javaScriptEnabled)
    await page.waitForURL(`${samlService}/`)
    await openService(page, oidcService)
    await agreeToRelease(page)
    await page.waitForURL(`${oidcService}/`)
    await openService(page, casService)
    await page.waitForURL(`${casService}/`)
  }

  async function assertSignedOutEverywhere(page: Page): Promise<void> {
    for (const service of [site.samlService, site.oidcService, site.casService]) {
      await page.goto(service)
      assert.equal(await page.locator('form[action="/logout"]').count(), 0, service)
    }
  }

  for (const [viewport, javaScriptEnabled] of [
    [phone, true],
    [desktop, false],
  ] as const) {
    const how = `JavaScript ${javaScriptEnabled ? 'on' : 'off'}`

    it(`signs out at the university, and reads that all three ended their sessions (${how})`, async () => {
      await withPage(browser, { viewport, locale: 'en-GB', javaScriptEnabled }, async (page) => {
        await openAll(page, javaScriptEnabled)
        await page.goto(`${site.home}/logout`)
        await page.locator('main form button').click()
        const ended = page.locator('main').getByText('Signed out', { exact: true })
        await ended.nth(2).waitFor()
        assert.equal(await ended.count(), 3)
        await assertNoSidewaysScrolling(page)
        await assertSignedOutEverywhere(page)
      })
    })

    it(`signs out at one of them, comes back there, and is out of the others too (${how})`, async () => {
      const { samlService, oidcService, casService } = site
      const services = javaScriptEnabled ? [samlService, oidcService, casService] : [samlService]
      for (const service of services) {
        await withPage(browser, { viewport, locale: 'el-GR', javaScriptEnabled }, async (page) => {
          await openAll(page, javaScriptEnabled)
          await page.goto(service)
          await page.locator('form[action="/logout"] button').click()
          await page.waitForURL(/\/(signed-out|end_session|logout\/[^/]+$)/)
          if (page.url().includes('end_session'))
            await page.locator('main form button').first().click()
          await page.waitForURL(`${service}/signed-out`)
          await assertSignedOutEverywhere(page)
        })
      }
    })
  }
})
