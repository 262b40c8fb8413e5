import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { Page } from 'playwright-core'
import { registerServiceProvider, removeService } from '../../src/federation/registration.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import type { Look } from './activation-gallery.ts'
import type { TestApp } from './app.ts'
import { HttpClient } from './http-client.ts'
import { addPerson, testPassword } from './people.ts'
import { syntheticAmka } from './registrant.ts'
import { serviceMetadata } from './service-metadata.ts'

/** Pages of somebody who changes the password and the contact details. The app needs DEV_PAGES. */
export class AccountGallery {
  readonly #app: TestApp
  readonly #page: Page
  readonly #look: Look

  /** @param page of a fresh browser profile, whose language the pages take */
  constructor(app: TestApp, page: Page, look: Look) {
    this.#app = app
    this.#page = page
    this.#look = look
  }

  async all(): Promise<void> {
    await this.#signIn()
    await this.#open('/account', 'overview-empty')
    await this.#open('/account/contact', 'contact-none')
    const { mobile } = await this.#signIn({ hasContact: true })
    await this.#open('/', 'home')
    await this.#open('/account', 'overview')
    await this.#menu()
    await this.#password()
    await this.#services()
    await this.#contact()
    await this.#undo(mobile)
  }

  async #menu(): Promise<void> {
    const menu = this.#page.locator('.account-menu summary')
    if (!(await menu.isVisible())) return
    await menu.click()
    await this.#look('overview-menu')
  }

  async #password(): Promise<void> {
    const page = this.#page
    await this.#open('/account/password', 'password')
    await this.#press('form.card button.go')
    await this.#look('password-missing')
    await this.#typePassword('abc', 'Papadopoulou')
    await this.#look('password-error')
    await this.#typePassword('wrong', 'Kastro-83-Thymari')
    await this.#look('password-wrong')
    await this.#typePassword(testPassword, 'Kastro-83-Thymari')
    assert.match(page.url(), /\/done$/)
    await this.#look('password-done')
  }

  async #typePassword(current: string, password: string): Promise<void> {
    await this.#page.fill('#currentPassword', current)
    await this.#page.fill('#password', password)
    await this.#page.fill('#passwordRepeat', password)
    await this.#press('form.card button.go')
  }

  /** A known service, for which a code is missing, and one that asks for a national number. */
  async #services(): Promise<void> {
    await this.#open('/account/services', 'services-none')
    const eudoxus = { el: 'Εύδοξος (συνθετικός)', en: 'Eudoxus (synthetic)' }
    const archive = { el: 'Αρχείο', en: 'Archive', requests: ['mail', 'schGrAcPersonSSN'] }
    const registration = { origin: 'cli', approve: true }
    const page = (id: string) =>
      `/account/services/release?${new URLSearchParams({ protocol: 'saml', id })}`
    const ids: string[] = []
    for (const [host, about] of [
      ['service.eudoxus.gr', eudoxus],
      ['archive.example.org', archive],
    ] as const) {
      const metadata = serviceMetadata(host, about)
      ids.push((await registerServiceProvider(metadata, registration)).entityId)
    }
    await this.#open('/account/services', 'services')
    await this.#open('/account/services?q=textbooks', 'services-found')
    await this.#open('/account/services?q=qqq', 'services-not-found')
    await this.#open(page(ids[0]!), 'release')
    await this.#open(page(ids[1]!), 'release-refused')
    for (const id of ids) await removeService(id, 'saml')
  }

  async #contact(): Promise<void> {
    const page = this.#page
    await this.#open('/account/contact', 'contact')
    await this.#press('form.card button.go')
    await this.#look('contact-missing')
    await page.fill('#mobile', '12')
    await page.fill('#email', `me@${this.#app.context.config.scope}`)
    await this.#press('form.card button.go')
    await this.#look('contact-error')
    const [mobile, email] = [`+30690${randomInt(1_000_000, 9_999_999)}`, newAddress()]
    await page.fill('#mobile', mobile)
    await page.fill('#email', email)
    await this.#press('form.card button.go')
    await this.#look('code')
    await page.fill('#code-mobile', '12')
    await this.#press('form:has(#code-mobile) button')
    await this.#look('code-format')
    const code = await this.#codeTo(mobile)
    await page.fill('#code-mobile', code === '000000' ? '000001' : '000000')
    await this.#press('form:has(#code-mobile) button')
    await this.#look('code-wrong')
    await page.fill('#code-mobile', code)
    await this.#press('form:has(#code-mobile) button')
    await this.#look('code-second')
    await this.#open('/account/contact', 'contact-pending')
    await page.goto(`${this.#app.baseUrl}/account/contact/code`)
    await page.fill('#code-email', await this.#codeTo(email))
    await this.#press('form:has(#code-email) button')
    await this.#look('contact-set')
    await this.#open('/account/contact/remove/mobile', 'remove')
    await this.#press('main form button')
    await this.#look('contact-removed')
    await this.#open('/account/contact/remove/email', 'remove-last')
  }

  async #undo(mobile: string): Promise<void> {
    const sent = (await this.#outbox()).find(
      ({ to, text }) => to === mobile && text.includes('/undo?'),
    )
    const link = /http\S+\/undo\?token=[\w-]+/.exec(sent?.text ?? '')?.[0]
    assert.ok(link, `no undo link was sent to ${mobile}`)
    await this.#page.context().clearCookies({ name: /^(?!lang)/ })
    await this.#page.goto(link)
    await this.#look('undo')
    await this.#press('main form button')
    await this.#look('undone')
    await this.#open('/account/contact/undo?token=x', 'undo-invalid')
  }

  async #signIn({ hasContact = false } = {}): Promise<{ mobile: string }> {
    const mobile = `+30691${randomInt(1_000_000, 9_999_999)}`
    const amka = sealNationalNumber(this.#app.context.secrets, 'GR', syntheticAmka('2007-03-12'))
    const { account } = await addPerson({
      account: {
        passwordChangedAt: new Date('2026-02-01T10:00:00Z'),
        ...(hasContact
          ? { mobile, mobileConsentAt: new Date('2026-02-01T10:00:00Z'), email: newAddress() }
          : {}),
      },
      person: {
        nationalNumbers: [amka],
        roles: [
          {
            source: 'sis',
            sourceId: mobile,
            role: 'student',
            status: 'active',
            email: newAddress(),
            departmentName: { el: 'Τμήμα Πληροφορικής', en: 'Department of Informatics' },
          },
        ],
      },
    })
    const page = this.#page
    await page.context().clearCookies({ name: /^(?!lang)/ })
    await page.goto(`${this.#app.baseUrl}/account`)
    await page.fill('#username', account.username)
    await page.fill('#password', testPassword)
    await this.#press('form.card button.go')
    assert.match(page.url(), /\/account$/)
    return { mobile }
  }

  async #open(path: string, name: string): Promise<void> {
    await this.#page.goto(this.#app.baseUrl + path)
    await this.#look(name)
  }

  /** Presses a button that loads a page. */
  async #press(selector: string): Promise<void> {
    await Promise.all([
      this.#page.waitForEvent('load'),
      this.#page.locator(selector).first().click(),
    ])
  }

  async #codeTo(to: string): Promise<string> {
    const code = (await this.#outbox()).find((message) => message.to === to)?.code
    assert.ok(code, `no code was sent to ${to}`)
    return code
  }

  async #outbox(): Promise<{ to: string; text: string; code?: string }[]> {
    return JSON.parse((await new HttpClient(this.#app.baseUrl).get('/dev/outbox')).body)
  }
}

/** Synthetic, of nobody. */
function newAddress(): string {
  return `person${randomInt(1_000_000_000)}@example.org`
}
