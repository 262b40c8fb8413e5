import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ActivationGallery } from '../support/activation-gallery.ts'
import { AdminGallery } from '../support/admin-gallery.ts'
import { startTestApp } from '../support/app.ts'
import { desktop, openBrowser, phone, withPage } from '../support/browser.ts'
import { ConsentGallery } from '../support/consent-gallery.ts'
import { RegistrationGallery } from '../support/registration-gallery.ts'

/**
 * Pictures of the activation's pages, to look at:
 * `node test/browser/screenshots.ts FOLDER [--language en] [--desktop] [--dark] [--consent] [--registration] [--admin]`.
 * Those of docs/activation.md:
 * `node test/browser/screenshots.ts docs/images --pages landing,contact,pin,review,password,done --window --prefix activation-`
 * That of docs/consent.md: `node test/browser/screenshots.ts docs/images --consent --pages ask --prefix consent-`
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    language: { type: 'string', default: 'el' },
    desktop: { type: 'boolean', default: false },
    dark: { type: 'boolean', default: false },
    /** Only these, by the gallery's names. */
    pages: { type: 'string' },
    /** What fits the screen, not the whole page. */
    window: { type: 'boolean', default: false },
    prefix: { type: 'string', default: '' },
    /** The pages about what goes to services, instead of the activation's. */
    consent: { type: 'boolean', default: false },
    /** The pages for services that register themselves. */
    registration: { type: 'boolean', default: false },
    /** The console. */
    admin: { type: 'boolean', default: false },
  },
})
const [folder] = positionals
if (!folder) throw new Error('expected: the folder to put the pictures in')
mkdirSync(folder, { recursive: true })
const wanted = values.pages?.split(',')

const app = await startTestApp({ DEV_PAGES: 'true' })
const browser = await openBrowser()
try {
  const options = {
    locale: values.language,
    viewport: values.desktop ? desktop : phone,
    colorScheme: values.dark ? ('dark' as const) : ('light' as const),
  }
  await withPage(browser, options, async (page) => {
    const look = async (name: string) => {
      if (wanted && !wanted.includes(name)) return
      await page.evaluate('document.fonts.ready')
      const path = join(folder, `${values.prefix}${name}.png`)
      await page.screenshot({ path, fullPage: !values.window })
    }
    if (values.admin) return new AdminGallery(app, page, look).all()
    if (values.registration) return new RegistrationGallery(app, page, look).all()
    if (values.consent) return new ConsentGallery(app, page, look).all()
    const gallery = new ActivationGallery(app, page, look)
    await (wanted ? gallery.steps() : gallery.all())
  })
} finally {
  await browser.close()
  await app.close()
}
