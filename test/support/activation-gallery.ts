import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { AttemptModel } from '../../src/activation/attempt-model.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import type { TestApp } from './app.ts'
import { BrowserWalk } from './browser-walk.ts'
import { addPerson, testPassword } from './people.ts'
import { importRows, studentRow, syntheticAmka } from './registrant.ts'

/** Called on every page, by a short name. */
export type Look = (name: string) => Promise<void>

/** What /register/stopped can say; the others have pages of their own. */
const stopCodes = [
  'EXPIRED',
  'PIN_EXPIRED',
  'PIN_USED_UP',
  'FACT_WRONG',
  'AMKA_UNREACHABLE',
  'NUMBER_TAKEN',
  'TAX_NUMBER_INVALID',
  'ALREADY_ACTIVE',
  'ACCOUNT_STOPPED',
  'RECORD_CHANGED',
  'THROTTLED',
  'MESSAGE_FAILED',
  'AMKA_MISMATCH',
  'DATA_MISSING',
]

/** Every page that somebody who activates can see, with its errors. The app needs DEV_PAGES. */
export class ActivationGallery {
  readonly #app: TestApp
  readonly #page: Page
  readonly #walk: BrowserWalk
  readonly #look: Look

  /** @param page of a fresh browser profile, whose language the pages take */
  constructor(app: TestApp, page: Page, look: Look) {
    this.#app = app
    this.#page = page
    this.#walk = new BrowserWalk(page, app.baseUrl)
    this.#look = look
  }

  async #open(path: string, name: string): Promise<void> {
    await this.#walk.open(path)
    await this.#look(name)
  }

  /** The welcome and the pages that explain. */
  async open(): Promise<void> {
    await this.#open('/', 'welcome')
    await this.#open('/info/terms', 'terms')
    await this.#open('/info/privacy', 'privacy')
    await this.#open('/info/password', 'password-advice')
  }

  /** The four steps with their errors, to the home page. */
  async steps(): Promise<void> {
    const walk = this.#walk
    const look = this.#look
    const { mobile, email } = await this.#student()
    await this.#open('/register', 'landing')
    await walk.press('form[action="/register"] button')
    await look('role')
    await walk.press()
    await look('role-error')
    await walk.chooseRole()
    await look('contact')
    await walk.press()
    await look('contact-error')
    await walk.contact({ mobile: '6999999999' })
    await look('contact-not-found')
    await walk.contact({ mobile, email })
    await look('pin')
    await walk.pin('000')
    await look('pin-error')
    await walk.press('form[action="/register/pin/new"] button')
    await look('pin-wait')
    await this.#open('/register', 'landing-continue')
    await walk.open('/register/continue')
    await walk.sentPin({ mobile })
    await look('review')
    await walk.press('button[value=disagree]')
    await look('disagree')
    await walk.press('main a.go')
    await walk.choose('#consentMobile')
    await walk.choose('#consentEmail')
    await walk.agree()
    await look('password')
    await this.#page.fill('#password', 'abc')
    await walk.press('main form.card button.go')
    await look('password-error')
    await walk.password()
    await look('done')
    await this.#open('/', 'home')
    await this.#page.context().clearCookies({ name: /^(?!lang)/ })
  }

  /** The facts that a record lacks, and a family with one contact. */
  async questions(): Promise<void> {
    const walk = this.#walk
    const look = this.#look
    const { mobile } = await this.#student({ amka: '', gender: '1' })
    await walk.toReview({ mobile })
    await look('number')
    await walk.press()
    await look('number-error')
    await walk.open('/register/number?kind=foreign')
    await look('number-foreign')
    await walk.press()
    await look('number-foreign-error')
    await walk.open('/register/number')
    await this.#page.fill('#amka', syntheticAmka('2001-01-01'))
    await walk.press()
    await look('amka-mismatch-given')

    const family = { email: `twins${randomBytes(4).toString('hex')}@example.org` }
    const twin = await this.#student(family)
    await this.#student(family)
    await walk.toReview({ email: twin.email })
    await look('fact-birth-date')
    await walk.birthDate(31, 2, 2007)
    await look('fact-birth-date-error')
    await walk.birthDate(12, 3, 2007)
    await look('fact-registration-number')
    await walk.press()
    await look('fact-registration-number-error')
  }

  /** Whatever ends it: each page as it is after the PIN, when it may show whose record it is. */
  async stops(): Promise<void> {
    const walk = this.#walk
    const { mobile, username } = await this.#student()
    await walk.toReview({ mobile })
    const { personId } = await this.#attempt()
    for (const code of stopCodes) {
      await this.#change({ stoppedBy: `ACTIVATION_${code}`, endedAt: this.#app.context.now() })
      await this.#open('/register/stopped', `stopped-${code.toLowerCase().replaceAll('_', '-')}`)
    }
    const { account } = await addPerson({ account: { activatedRoles: [] } })
    await this.#begunAgain({ step: 'review', personId: account._id, isSecondRole: true })
    await this.#open('/register/review', 'second-role')

    await this.#begunAgain({ step: 'password', personId, username })
    this.#app.advance(61 * 60_000)
    await this.#open('/register/password', 'expired')
  }

  /** The way in with a passphrase on paper. */
  async paper(): Promise<void> {
    await this.#open('/register/code', 'code')
    await this.#walk.press('main form.card button.go')
    await this.#look('code-error')
    const { username } = await this.#student()
    await this.#page.fill('#username', username)
    await this.#page.fill('#passphrase', 'abcd-efgh-ijkl-mnop')
    await this.#walk.password()
    await this.#look('code-refused')
  }

  /** Signing in, and a home page with a role that is not activated. */
  async home(): Promise<void> {
    await this.#open('/login', 'login')
    const { account } = await addPerson({ account: { activatedRoles: [] } })
    await this.#page.fill('#username', account.username)
    await this.#page.fill('#password', testPassword)
    await this.#walk.press('main form button.go')
    await this.#look('home-role')
    await this.#page.context().clearCookies({ name: /^(?!lang)/ })
  }

  async all(): Promise<void> {
    await this.open()
    await this.steps()
    await this.questions()
    await this.paper()
    await this.home()
    await this.stops()
  }

  async #student(change: RegistryRow = {}) {
    const row = studentRow(change)
    const username = `101${row.registrationNumber}`
    await importRows(this.#app, { ...row, username })
    return { username, mobile: (row.mobile ?? '').slice(3), email: row.email ?? '' }
  }

  /** Of this browser: the newest that was begun. */
  async #attempt() {
    const attempt = await AttemptModel.findOne().sort({ startedAt: -1 }).lean()
    if (!attempt) throw new Error('nobody has begun')
    return attempt
  }

  async #change(facts: object): Promise<void> {
    const { _id } = await this.#attempt()
    await AttemptModel.collection.updateOne({ _id } as never, { $set: facts })
  }

  async #begunAgain(facts: object): Promise<void> {
    await this.#walk.begin()
    await this.#change(facts)
  }
}
