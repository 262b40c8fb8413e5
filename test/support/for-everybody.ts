import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { Look } from './activation-gallery.ts'
import { startTestApp, type TestApp } from './app.ts'
import { accessibilityFaults } from './axe.ts'
import { assertNoSidewaysScrolling, openBrowser, phone, withPage } from './browser.ts'

/**
 * Tests every page of a gallery in both languages: axe-core's rules, a screen of 320 pixels, and one
 * of 360 with text twice as large. For a `describe` of its own.
 *
 * @param walk opens the pages and calls `look` on each
 * @param atLeast pages that are looked at in each language
 */
export function testForEverybody(
  walk: (app: TestApp, page: Page, look: Look) => Promise<void>,
  atLeast: number,
): void {
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

  for (const [language, locale] of [
    ['Greek', 'el-GR'],
    ['English', 'en-GB'],
  ] as const) {
    it(`are accessible by axe-core's rules and fit 320 pixels and large text (${language})`, async () => {
      const found: string[] = []
      let pages = 0
      await withPage(browser, { viewport: phone, locale, bypassCSP: true }, async (page) => {
        await walk(app, page, async (name) => {
          pages += 1
          assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), name)
          const faults = await accessibilityFaults(page)
          found.push(...faults.map((fault) => `${name}: ${fault}`))
          await page.setViewportSize({ width: 320, height: 740 })
          await assertNoSidewaysScrolling(page)
          await page.setViewportSize(phone)
          await page.evaluate(`document.documentElement.style.fontSize = '200%'`)
          await assertNoSidewaysScrolling(page)
          // Some pages are looked at twice.
          await page.evaluate(`document.documentElement.style.fontSize = ''`)
        })
      })
      assert.deepEqual(found, [])
      assert.ok(pages >= atLeast, `only ${pages} pages were looked at`)
    })
  }
}
