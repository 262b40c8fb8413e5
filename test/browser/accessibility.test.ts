import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { ActivationGallery } from '../support/activation-gallery.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { assertNoSidewaysScrolling, openBrowser, phone, withPage } from '../support/browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

describe('The pages of the activation, for everybody', () => {
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
    it(`are accessible by axe-core's rules, light and dark (${language})`, async () => {
      const found: string[] = []
      let pages = 0
      // The pages allow no script but their own, so axe needs the policy out of the way.
      await withPage(browser, { viewport: phone, locale, bypassCSP: true }, async (page) => {
        const look = async (name: string) => {
          pages += 1
          assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), name)
          await page.emulateMedia({ colorScheme: 'light' })
          const light = await runAxe(page, { type: 'tag', values: tags })
          found.push(...light.map((violation) => `${name}: ${violation}`))
          if (locale !== 'el-GR') return
          // Nothing but colours differs, and those in no language.
          await page.emulateMedia({ colorScheme: 'dark' })
          const dark = await runAxe(page, { type: 'rule', values: ['color-contrast'] })
          found.push(...dark.map((violation) => `${name}, dark: ${violation}`))
        }
        await new ActivationGallery(app, page, look).all()
      })
      assert.deepEqual(found, [])
      assert.ok(pages >= 45, `only ${pages} pages were looked at`)
    })
  }

  it('fit a screen of 320 pixels, and one of 360 with text twice as large', async () => {
    for (const locale of ['el-GR', 'en-GB']) {
      await withPage(browser, { viewport: phone, locale, bypassCSP: true }, async (page) => {
        await new ActivationGallery(app, page, async () => {
          await page.setViewportSize({ width: 320, height: 740 })
          await assertNoSidewaysScrolling(page)
          await page.setViewportSize(phone)
          await page.addStyleTag({ content: 'html { font-size: 200% !important }' })
          await assertNoSidewaysScrolling(page)
        }).all()
      })
    }
  })
})

async function runAxe(page: Page, runOnly: { type: 'tag' | 'rule'; values: string[] }) {
  await page.evaluate(`window.axe || eval(${JSON.stringify(axe)})`)
  const { violations } = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(runOnly)}, resultTypes: ['violations'] })`,
  )) as { violations: { id: string; help: string; nodes: { target: string[] }[] }[] }
  return violations.map(
    ({ id, help, nodes }) =>
      `${id} (${help}): ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
  )
}
