import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** Good for any synthetic person, and not theirs. */
export const typedPassword = 'Kastro-83-Thymari'

interface Contact {
  readonly mobile?: string
  readonly email?: string
}

/** The pages of the activation as a person with a browser goes through them, by its buttons. */
export class BrowserWalk {
  readonly page: Page
  readonly #home: string

  /** @param home address of the identity provider, with /dev pages */
  constructor(page: Page, home: string) {
    this.page = page
    this.#home = home
  }

  open(path: string) {
    return this.page.goto(`${this.#home}${path}`)
  }

  /** Presses what leads to another page, and waits for that. */
  async press(selector = 'main form button.go'): Promise<void> {
    const loaded = this.page.waitForEvent('load')
    await this.page.locator(selector).first().click()
    await loaded
  }

  /** From the first page to the contact. */
  async begin(role = 'student'): Promise<void> {
    await this.open('/register')
    await this.start(role)
  }

  /** From the first page, which is open, to the contact. */
  async start(role = 'student'): Promise<void> {
    await this.press('form[action="/register"] button')
    await this.chooseRole(role)
  }

  async chooseRole(role = 'student'): Promise<void> {
    await this.choose(`[name=role][value=${role}]`)
    await this.press('form[action="/register/role"] button')
  }

  /** Radio buttons and boxes are pressed anywhere in their row. */
  async choose(input: string): Promise<void> {
    await this.page.locator(`.choice:has(${input})`).click({ position: { x: 20, y: 20 } })
    assert.ok(await this.page.locator(input).isChecked(), `${input} is not chosen`)
  }

  async contact(contact: Contact): Promise<void> {
    for (const [name, text] of Object.entries(contact)) await this.page.fill(`#${name}`, text)
    await this.press()
  }

  async pin(pin: string): Promise<void> {
    await this.page.fill('#pin', pin)
    await this.press('form[action="/register/pin"] button')
  }

  /** Reads the PIN that was sent, as the trial shows it, and types it. */
  async sentPin(contact: Contact): Promise<void> {
    await this.pin(await this.lastPin(contact))
  }

  async lastPin({ mobile, email }: Contact): Promise<string> {
    const answer = await fetch(`${this.#home}/dev/outbox`, {
      headers: { Accept: 'application/json' },
    })
    const messages = (await answer.json()) as { to: string; code?: string }[]
    const to = mobile === undefined ? email : `+30${mobile.replace(/\D/g, '').slice(-10)}`
    const message = messages.find((sent) => sent.code && sent.to === to)
    assert.ok(message?.code, `no PIN was sent to ${to}`)
    return message.code
  }

  async birthDate(day: number, month: number, year: number): Promise<void> {
    await this.page.fill('#birthDay', String(day))
    await this.page.fill('#birthMonth', String(month))
    await this.page.fill('#birthYear', String(year))
    await this.press()
  }

  async agree(): Promise<void> {
    await this.press('button[value=agree]')
  }

  /** From the first page to the review, for somebody whose record is complete. */
  async toReview(contact: Contact, role = 'student'): Promise<void> {
    await this.begin(role)
    await this.contact(contact)
    await this.sentPin(contact)
  }

  /** Fills in the password, by a click on a suggestion where script runs, else by typing. */
  async fillPassword(isScriptOn: boolean): Promise<string> {
    const { page } = this
    await this.choose('#terms')
    if (!isScriptOn) {
      await page.fill('#password', typedPassword)
      await page.fill('#passwordRepeat', typedPassword)
      return typedPassword
    }
    const suggestion = page.locator('button.suggestion').nth(2)
    const password = (await suggestion.innerText()).trim()
    await suggestion.click()
    assert.equal(await page.inputValue('#password'), password)
    assert.equal(await page.inputValue('#passwordRepeat'), password)
    return password
  }

  /** The last step. @returns the chosen password */
  async password(isScriptOn = true): Promise<string> {
    const password = await this.fillPassword(isScriptOn)
    await this.press('main form.card button.go')
    return password
  }

  text(): Promise<string> {
    return this.page.locator('main').innerText()
  }

  path(): string {
    return new URL(this.page.url()).pathname
  }
}
