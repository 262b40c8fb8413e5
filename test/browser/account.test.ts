import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { AccountGallery } from '../support/account-gallery.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { accessibilityFaults } from '../support/axe.ts'
import { assertNoSidewaysScrolling, openBrowser, phone, withPage } from '../support/browser.ts'

describe('The pages for password and contact details, for everybody', () => {
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
          await page.addStyleTag({ content: 'html { font-size: 200% !important }' })
          await assertNoSidewaysScrolling(page)
        }
        await new AccountGallery(app, page, look).all()
      })
      assert.deepEqual(found, [])
      assert.ok(pages >= 30, `only ${pages} pages were looked at`)
    })
  }

  it('lead everywhere without script on a telephone of 320 pixels', async () => {
    const options = { viewport: { width: 320, height: 640 }, javaScriptEnabled: false }
    await withPage(browser, { ...options, locale: 'el-GR' }, async (page) => {
      let isMenuSeen = false
      await new AccountGallery(app, page, async (name) => {
        if (name !== 'overview-menu') return
        isMenuSeen = true
        const links = page.locator('.account-menu a')
        assert.equal(await links.count(), 8)
        for (const link of await links.all()) {
          const box = await link.boundingBox()
          assert.ok(box && box.height >= 44 && box.x + box.width <= 320)
        }
        assert.ok(!(await page.locator('.account-tabs').isVisible()))
      }).all()
      assert.ok(isMenuSeen)
    })
  })
})
