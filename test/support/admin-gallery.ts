import type { Page } from 'playwright-core'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { saveLiveCheck } from '../../src/key-rotation/live-check-model.ts'
import { metadataFetches } from '../../src/key-rotation/metadata-fetch-model.ts'
import { activateKey, discardKey, stageKey } from '../../src/keys/key-life.ts'
import { listKeys } from '../../src/keys/key-records.ts'
import { grantAdminRight } from '../../src/people/admin-right.ts'
import type { Look } from './activation-gallery.ts'
import type { TestApp } from './app.ts'
import { signIn } from './browser.ts'
import { addPerson, testPassword } from './people.ts'
import { serviceMetadata } from './service-metadata.ts'

const contact =
  '<ContactPerson contactType="technical"><EmailAddress>mailto:eclass-administrators@departmentofinformatics.service.example</EmailAddress></ContactPerson>'

/** The console's pages as an administrator meets them, with a rehearsal that has every verdict. */
export class AdminGallery {
  readonly #app: TestApp
  readonly #page: Page
  readonly #look: Look

  constructor(app: TestApp, page: Page, look: Look) {
    this.#app = app
    this.#page = page
    this.#look = look
  }

  async all(): Promise<void> {
    const { account } = await addPerson()
    await this.#open('/admin')
    await signIn(this.#page, { username: account.username, password: testPassword })
    await this.#page.waitForLoadState()
    await this.#look('refused')
    await grantAdminRight(account._id, 'gallery', this.#app.context.now())
    await this.#open('/account')
    await this.#look('account')
    await this.#open('/admin')
    await this.#look('start')
    await this.#open('/admin/keys')
    await this.#look('keys')
    await this.#rehearsal()
  }

  async #rehearsal(): Promise<void> {
    const { context } = this.#app
    for (const number of [1, 2, 3, 4]) {
      const text = serviceMetadata(`192.0.2.${number}`, {
        el: `Ηλεκτρονική Γραμματεία ${number}`,
        en: `e-Secretariat ${number}`,
      })
      const metadata = text.replace('</EntityDescriptor>', `${contact}$&`)
      await registerServiceProvider(metadata, { origin: 'cli', approve: true })
    }
    // A certificate that ends soon, so that the page has to say so.
    const short = await stageKey(context, { use: 'saml', by: 'gallery', certificateDays: 40 })
    await activateKey(context, short.kid, { by: 'gallery' })
    for (const key of await listKeys()) {
      if (key.state === 'staged') await discardKey(context, key.kid, { by: 'gallery' })
    }
    await this.#open('/admin/keys')
    await this.#press('form[action="/admin/keys/stage"] button')
    await this.#look('staged')
    const staged = (await listKeys()).find(({ state }) => state === 'staged')!
    const at = context.now()
    await saveLiveCheck(staged.kid, 'https://192.0.2.1/sp', { result: 'accepts' }, at)
    await saveLiveCheck(staged.kid, 'https://192.0.2.2/sp', { result: 'refuses' }, at)
    await metadataFetches().insertOne({
      _id: `gallery-${staged.kid}`,
      address: '192.0.2.3',
      network: '192.0.2.3',
      program: 'shibboleth/3.4.1 OpenSAML/3.2.1 XMLTooling/3.2.3',
      way: 'metadata',
      firstAt: at,
      lastAt: at,
      count: 5,
      kids: [],
      expiresAt: new Date(at.getTime() + 86_400_000),
    })
    await this.#open('/admin/keys')
    await this.#look('rehearsal')
    await this.#press('form[action="/admin/keys/promote"] button')
    await this.#look('too-early')
  }

  async #open(path: string): Promise<void> {
    await this.#page.goto(`${this.#app.baseUrl}${path}`)
  }

  async #press(selector: string): Promise<void> {
    await this.#page.locator(selector).first().click()
    await this.#page.waitForLoadState()
  }
}
