import assert from 'node:assert/strict'
import type { TestApp } from './app.ts'
import { type Answer, HttpClient, hiddenField } from './http-client.ts'

interface OutboxMessage {
  readonly channel: 'sms' | 'email'
  readonly to: string
  readonly subject?: string
  readonly text: string
  readonly code?: string
}

/** Good for any synthetic person, and not theirs. */
export const chosenPassword = 'Kastro-83-Thymari'

/** The pages of the activation as one person in one browser goes through them. */
export class ActivationWalk {
  readonly client: HttpClient
  readonly #app: Pick<TestApp, 'baseUrl'>

  constructor(app: Pick<TestApp, 'baseUrl'>) {
    this.#app = app
    this.client = new HttpClient(app.baseUrl)
  }

  /** Sends a form with the token of the page before, then reads the page that it leads to. */
  async submit(path: string, fields: Record<string, string>): Promise<Answer> {
    const page = await this.client.get(this.#formPage(path))
    const token = page.status === 200 ? page : await this.client.get('/login')
    return this.post(path, fields, hiddenField(token.body, '_csrf'))
  }

  async post(path: string, fields: Record<string, string>, _csrf: string): Promise<Answer> {
    const answer = await this.client.post(path, { _csrf, ...fields })
    return answer.status === 303 ? this.open(answer.headers.location ?? '/') : answer
  }

  /** Follows redirects as a browser does. */
  async open(path: string): Promise<Answer> {
    let answer = await this.client.get(path)
    for (let hop = 0; answer.status === 303 && hop < 5; hop++) {
      answer = await this.client.get(answer.headers.location ?? '/')
    }
    return answer
  }

  async begin(role = 'student'): Promise<Answer> {
    await this.submit('/register', {})
    return this.submit('/register/role', { role })
  }

  contact(fields: { mobile?: string; email?: string }): Promise<Answer> {
    return this.submit('/register/contact', { mobile: '', email: '', ...fields })
  }

  pin(pin: string): Promise<Answer> {
    return this.submit('/register/pin', { pin })
  }

  agree(fields: Record<string, string> = {}): Promise<Answer> {
    return this.submit('/register/review', { decision: 'agree', ...fields })
  }

  password(password = chosenPassword, fields: Record<string, string> = {}): Promise<Answer> {
    const typed = { password, passwordRepeat: password, terms: 'yes' }
    return this.submit('/register/password', { ...typed, ...fields })
  }

  /** From the first page to the review. */
  async toReview(contact: { mobile?: string; email?: string }, role = 'student'): Promise<Answer> {
    await this.begin(role)
    await this.contact(contact)
    return this.pin(await this.lastPin(contact.mobile ?? contact.email ?? ''))
  }

  /** The whole way of somebody whose record is complete. */
  async activate(contact: { mobile?: string; email?: string }, role = 'student'): Promise<Answer> {
    await this.toReview(contact, role)
    await this.agree({ consentMobile: 'yes', consentEmail: 'yes' })
    return this.password()
  }

  /** Newest first. */
  async outbox(): Promise<OutboxMessage[]> {
    const answer = await new HttpClient(this.#app.baseUrl).get('/dev/outbox')
    return JSON.parse(answer.body)
  }

  async lastPin(to: string): Promise<string> {
    const message = (await this.outbox()).find((sent) => sent.to === to && sent.code)
    assert.ok(message?.code, `no PIN was sent to ${to}`)
    return message.code
  }

  /** The reference that every page shows. */
  static reference(page: Answer): string {
    const reference = /\b[A-Z2-9]{3}-[A-Z2-9]{3}\b/.exec(page.body)?.[0]
    assert.ok(reference, `the page shows no reference:\n${page.body}`)
    return reference
  }

  #formPage(path: string): string {
    if (path === '/register/pin/new') return '/register/pin'
    if (path === '/register/leave') return '/register/disagree'
    return path === '/register/number/again' ? '/register/number' : path
  }
}
