import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { AdminGallery } from '../support/admin-gallery.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { accessibilityFaults } from '../support/axe.ts'
import { assertNoSidewaysScrolling, openBrowser, phone, withPage } from '../support/browser.ts'

describe('The console, for everybody', () => {
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
        const look = async (name: string) => {
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
        }
        await new AdminGallery(app, page, look).all()
      })
      assert.deepEqual(found, [])
      assert.ok(pages >= 7, `only ${pages} pages were looked at`)
    })
  }
})
