import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions } from 'playwright-core'
import { ActivationGallery } from '../support/activation-gallery.ts'
import { startTestApp } from '../support/app.ts'
import { desktop, openBrowser, phone, withPage } from '../support/browser.ts'

/**
 * Pictures of every page of the activation, to look at and for docs/activation.md:
 * `node test/browser/screenshots.ts FOLDER [LANGUAGE] [phone|desktop] [light|dark]`
 */
const [folder, language = 'el', device = 'phone', colorScheme = 'light'] = process.argv.slice(2)
if (!folder) throw new Error('usage: screenshots.ts FOLDER [LANGUAGE] [phone|desktop] [light|dark]')
mkdirSync(folder, { recursive: true })

const app = await startTestApp({ DEV_PAGES: 'true' })
const browser = await openBrowser()
try {
  const options: BrowserContextOptions = {
    locale: language,
    viewport: device === 'phone' ? phone : desktop,
    colorScheme: colorScheme === 'dark' ? 'dark' : 'light',
  }
  await withPage(browser, options, async (page) => {
    const gallery = new ActivationGallery(app, page, async (name) => {
      await page.evaluate('document.fonts.ready')
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
    })
    await gallery.all()
  })
} finally {
  await browser.close()
  await app.close()
}
