import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { clearServiceCache } from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { approveRequest, rejectRequest } from '../../src/registration/request-decision.ts'
import { findRequest } from '../../src/registration/request-store.ts'
import {
  fixture,
  goodClient,
  goodMetadata,
  RegistrationWalk,
} from '../registration/registration-walk.ts'
import type { Look } from './activation-gallery.ts'
import type { TestApp } from './app.ts'
import { HttpClient } from './http-client.ts'

/** The pages for services that register themselves, with their errors. The app needs DEV_PAGES. */
export class RegistrationGallery {
  readonly #app: TestApp
  readonly #page: Page
  readonly #look: Look
  readonly #host = `s${randomBytes(4).toString('hex')}.example.org`

  constructor(app: TestApp, page: Page, look: Look) {
    this.#app = app
    this.#page = page
    this.#look = look
  }

  async all(): Promise<void> {
    await ThrottleModel.deleteMany({})
    await this.#checks()
    await this.#newService()
    await this.#change()
    await this.#client()
    await ThrottleModel.deleteMany({})
    await this.#casService()
  }

  async #checks(): Promise<void> {
    const page = this.#page
    await this.#open('/federation/register/cas', 'cas')
    await this.#open('/federation/register', 'start')
    await this.#press('form.card button.go')
    await this.#look('start-nothing')
    await page.fill('#url', 'https://10.0.0.1/metadata')
    await this.#press('form.card button.go')
    await this.#look('start-address')
    for (const [name, metadata] of [
      ['unreadable', fixture('invalid/key-1024-bits.xml')],
      ['hostile', fixture('hostile-display.xml')],
      ['http', goodMetadata(this.#host, { acs: `http://${this.#host}/acs` })],
    ] as const) {
      await this.#check(metadata)
      await this.#look(`check-${name}`)
    }
  }

  async #newService(): Promise<void> {
    const page = this.#page
    await this.#check(goodMetadata(this.#host))
    await this.#look('check-good')
    await this.#press('form.card button.go')
    await this.#look('check-reason')
    await page.fill('#reason-mail', 'Για τις αποδείξεις δανεισμού / to send receipts for loans')
    await this.#press('form.card button.go')
    await this.#look('sent')
    await page.goto(await this.#link(`admin@${this.#host}`))
    await this.#look('confirm')
    await this.#press('main form button')
    await this.#look('request-waiting')
    await approveRequest(this.#app.context, await this.#request())
    await page.reload()
    await this.#look('request-approved')
    await this.#open('/federation/request?token=x', 'link-invalid')
  }

  async #change(): Promise<void> {
    const page = this.#page
    clearServiceCache()
    await this.#check(goodMetadata(this.#host, { acs: `https://${this.#host}/acs2` }))
    await page.fill('#reason-mail', 'receipts')
    await this.#look('check-change')
    await this.#press('form.card button.go')
    await page.goto(await this.#link(`admin@${this.#host}`))
    await this.#look('confirm-change')
    await this.#press('main form button')
    await rejectRequest(this.#app.context, await this.#request(), 'Η νέα διεύθυνση δεν απαντά.')
    await page.reload()
    await this.#look('request-rejected')
  }

  async #client(): Promise<void> {
    const page = this.#page
    await this.#check(JSON.stringify(goodClient(this.#host), null, 2))
    await this.#look('check-client')
    for (const reason of await page.locator('textarea.words').all()) await reason.fill('login')
    await this.#press('form.card button.go')
    await page.goto(await this.#link(`admin@${this.#host}`))
    await this.#press('main form button')
    await this.#sandbox(page.url())
    await approveRequest(this.#app.context, await this.#request())
    await page.reload()
    await this.#look('client-approved')
    await this.#press('form[action$="/credentials"] button')
    await this.#look('client-credentials')
  }

  async #sandbox(request: string): Promise<void> {
    const page = this.#page
    await this.#press('form[action$="/sandbox/open"] button')
    const field = (name: string) => page.locator(`#trial dt:text-is("${name}") + dd`).innerText()
    const query = new URLSearchParams({
      client_id: await field('client_id'),
      redirect_uri: `https://${this.#host}/callback`,
      response_type: 'code',
      scope: 'openid email',
    })
    const auth = `${await field('Issuer')}/auth`
    await page.goto(`${auth}?${query}`)
    await this.#look('sandbox-login')
    query.set('redirect_uri', `https://${this.#host}/elsewhere`)
    await page.goto(`${auth}?${query}`)
    await this.#look('sandbox-login-wrong')
    await page.goto(request)
    await this.#look('request-sandbox')
  }

  async #casService(): Promise<void> {
    const page = this.#page
    const host = `cas.${this.#host}`
    await page.goto(`${this.#app.baseUrl}/federation/register/cas`)
    await page.fill('#service', `https://${host}/app`)
    await page.fill('#nameEl', 'Υπηρεσία δανεισμού')
    await page.fill('#nameEn', 'Loans')
    await page.fill('#contact', `admin@${host}`)
    await page.fill('#privacy', `https://${host}/privacy`)
    for (const name of ['mail', 'eduPersonAffiliation', 'eduPersonScopedAffiliation']) {
      await page.check(`#attribute-${name}`)
    }
    await this.#look('cas-filled')
    await this.#press('form.card button.go')
    for (const reason of await page.locator('textarea.words').all()) await reason.fill('loans')
    await this.#look('check-cas')
    await this.#press('form.card button.go')
    await page.goto(await this.#link(`admin@${host}`))
    await this.#press('main form button')
    const request = page.url()
    await this.#press('form[action$="/sandbox/open"] button')
    const server = await page.locator('#trial dl dd').first().innerText()
    const login = (address: string) => `${server}/login?service=${encodeURIComponent(address)}`
    await page.goto(login(`https://${host}/app/start`))
    await this.#look('sandbox-cas')
    await page.goto(login(`https://${host}/elsewhere`))
    await this.#look('sandbox-cas-wrong')
    await page.goto(`${server}/logout`)
    await this.#look('sandbox-cas-logout')
    await page.goto(request)
    await this.#look('request-sandbox-cas')
  }

  async #check(text: string): Promise<void> {
    await this.#page.goto(`${this.#app.baseUrl}/federation/register`)
    await this.#page.fill('#metadata', text)
    await this.#press('form.card button.go')
  }

  async #request() {
    const reference = await this.#page.locator('dd.reference').innerText()
    return findRequest(reference)
  }

  async #link(to: string): Promise<string> {
    const answer = await new HttpClient(this.#app.baseUrl).get('/dev/outbox')
    const mails = JSON.parse(answer.body) as { to: string; text: string }[]
    const mail = mails.find((one) => one.to === to && one.text.includes('/register/confirm'))
    assert.ok(mail, `no link was sent to ${to}`)
    return this.#app.baseUrl + RegistrationWalk.linkIn(mail.text)
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
