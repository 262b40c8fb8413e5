import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { registerServiceProvider, setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { people } from '../../src/people/people-store.ts'
import { serviceMetadata } from '../saml/sso-support.ts'
import type { Look } from './activation-gallery.ts'
import type { TestApp } from './app.ts'
import { addPerson, testPassword } from './people.ts'
import { syntheticAmka } from './registrant.ts'

const oids = {
  displayName: 'urn:oid:2.16.840.1.113730.3.1.241',
  mail: 'urn:oid:0.9.2342.19200300.100.1.3',
  eduPersonScopedAffiliation: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9',
}

/** Every page about what goes to services, with its errors. */
export class ConsentGallery {
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
    await this.#open('/account/consents', 'account-empty')
    const library = await this.#service('Βιβλιοθήκη', 'Library', { disclosure: 'ask' })
    await this.#ask(library)
    await this.#inform()
    await this.#bare()
    await this.#account()
  }

  async #ask(library: string): Promise<void> {
    const page = this.#page
    await this.#to(library, 'ask')
    // As a form goes whose button was not pressed.
    await Promise.all([
      page.waitForEvent('load'),
      page.evaluate(`document.querySelector('form.card').submit()`),
    ])
    await this.#look('ask-undecided')
    await this.#decide('agree')
    await setServiceOverrides(
      library,
      { disclosure: 'ask', release: ['schacPersonalUniqueCode', 'mobile'] },
      'saml',
    )
    await this.#to(library, 'ask-more')
    await this.#decide('disagree')
  }

  /** A known service with all it can show: reasons, legal ground, masked numbers, something missing. */
  async #inform(): Promise<void> {
    const transfers = await this.#service('Μετεγγραφές', 'Transfers', { preset: 'transfers' })
    await this.#to(transfers, 'inform')
    await this.#decide('agree')
    const full = await this.#service(
      'Ηλεκτρονική Γραμματεία με πολύ μακρύ όνομα υπηρεσίας',
      'Electronic secretariat with a rather long name',
      {
        disclosure: 'inform',
        legalGround: 'ΓΚΠΔ / GDPR 6(1)(e)',
        release: [
          'schGrAcPersonID',
          'schGrAcPersonSSN',
          'schacCountryOfCitizenship',
          'pairwise-id',
        ],
      },
      { ...oids, schacDateOfBirth: 'urn:oid:1.3.6.1.4.1.25178.1.2.3' },
    )
    await this.#to(full, 'inform-full')
    await this.#page.locator('details.technical summary').click()
    await this.#look('inform-technical')
    await this.#page.locator('#remember').uncheck()
    await this.#decide('agree')
  }

  async #bare(): Promise<void> {
    await this.#to(
      await this.#service('Ψηφοφορία', 'Poll', { disclosure: 'ask' }, {}),
      'ask-nothing',
    )
    await this.#decide('agree')
  }

  async #account(): Promise<void> {
    await this.#open('/account/consents', 'account')
    for (const summary of await this.#page.locator('details.past summary').all()) {
      await summary.click()
    }
    await this.#look('account-decisions')
    await this.#press('form[action="/account/consents/withdraw"] button')
    await this.#look('account-withdrawn')
    await this.#open('/account/consents?done=gone', 'account-gone')
  }

  async #service(
    el: string,
    en: string,
    overrides: ServiceOverrides,
    requestedAttributes: Readonly<Record<string, string>> = oids,
  ): Promise<string> {
    const entityId = `https://s${randomBytes(6).toString('hex')}.example.gr`
    const display = ['DisplayName', 'PrivacyStatementURL']
      .map((element) =>
        [
          ['el', el],
          ['en', en],
        ]
          .map(([language, name]) => {
            const text = element === 'DisplayName' ? name : `${entityId}/privacy/${language}`
            return `<mdui:${element} xml:lang="${language}">${text}</mdui:${element}>`
          })
          .join(''),
      )
      .join('')
    const metadata = serviceMetadata({ entityId, acsUrl: `${entityId}/acs`, requestedAttributes })
    const extended = metadata.replace(
      /(<md:SPSSODescriptor[^>]*>)/,
      `$1<md:Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">${display}</mdui:UIInfo></md:Extensions>`,
    )
    await registerServiceProvider(extended, { origin: 'test', approve: true })
    await setServiceOverrides(entityId, overrides, 'saml')
    return entityId
  }

  async #signIn(): Promise<void> {
    const amka = sealNationalNumber(this.#app.context.secrets, 'GR', syntheticAmka('2007-03-12'))
    const { account, person } = await addPerson({
      person: { nationalNumbers: [amka], academicId: randomBytes(16).toString('hex') },
    })
    await people().updateOne({ _id: person._id }, { $unset: { birthDate: '' } })
    const page = this.#page
    await page.goto(`${this.#app.baseUrl}/account`)
    await page.fill('#username', account.username)
    await page.fill('#password', testPassword)
    await this.#press('form.card button.go')
  }

  /** Goes to a service without being asked by it, which needs nothing of the service's own. */
  async #to(entityId: string, name: string): Promise<void> {
    const query = new URLSearchParams({ providerId: entityId })
    await this.#page.goto(`${this.#app.baseUrl}/saml/unsolicited?${query}`)
    await this.#look(name)
  }

  /** Presses a button; the service itself answers nobody. */
  async #decide(decision: 'agree' | 'disagree'): Promise<void> {
    const page = this.#page
    await page.route(/^https:\/\/s[0-9a-f]{12}\.example\.gr\//, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>service</title>' }),
    )
    await page.locator(`button[value=${decision}]`).click()
    await page.waitForURL(/example\.gr|\/saml\/sso\/resume/)
  }

  async #open(path: string, name: string): Promise<void> {
    await this.#page.goto(this.#app.baseUrl + path)
    await this.#look(name)
  }

  async #press(selector: string): Promise<void> {
    await Promise.all([
      this.#page.waitForEvent('load'),
      this.#page.locator(selector).first().click(),
    ])
  }
}
