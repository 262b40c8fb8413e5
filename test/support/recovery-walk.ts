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
export const recoveredPassword = 'Limani-52-Rigani'

/** The pages of «Έχω ξεχάσει τον κωδικό μου» as one person in one browser goes through them. */
export class RecoveryWalk {
  readonly client: HttpClient
  readonly #app: TestApp

  constructor(app: TestApp) {
    this.#app = app
    this.client = new HttpClient(app.baseUrl)
  }

  /** Sends a form with the token of the page before, then reads the page that it leads to. */
  async submit(path: string, fields: Record<string, string>): Promise<Answer> {
    const answer = await this.post(path, fields, await this.token(path.replace(/\/new$/, '')))
    return answer.status === 303 ? this.open(answer.headers.location ?? '/') : answer
  }

  /** The form's token, from its page or, when that leads elsewhere, from any. */
  async token(path: string): Promise<string> {
    const page = await this.client.get(path)
    const shown = page.status === 200 ? page : await this.client.get('/account/recover')
    return hiddenField(shown.body, '_csrf')
  }

  post(path: string, fields: Record<string, string>, _csrf: string): Promise<Answer> {
    return this.client.post(path, { _csrf, ...fields })
  }

  /** Follows redirects as a browser does. */
  async open(path: string): Promise<Answer> {
    let answer = await this.client.get(path)
    for (let hop = 0; answer.status === 303 && hop < 5; hop++) {
      answer = await this.client.get(answer.headers.location ?? '/')
    }
    return answer
  }

  byEmail(username: string, email: string): Promise<Answer> {
    return this.submit('/account/recover', { username, channel: 'email', contact: email })
  }

  bySms(username: string, mobile: string): Promise<Answer> {
    return this.submit('/account/recover', { username, channel: 'sms', contact: mobile })
  }

  code(code: string): Promise<Answer> {
    return this.submit('/account/recover/code', { code })
  }

  password(password = recoveredPassword): Promise<Answer> {
    return this.submit('/account/recover/password', { password, passwordRepeat: password })
  }

  /** From the first page to the one that asks for the password. */
  async toPassword(username: string, email: string): Promise<Answer> {
    await this.byEmail(username, email)
    return this.code(await this.lastCode(email))
  }

  /** Newest first. */
  async messagesTo(to: string): Promise<OutboxMessage[]> {
    const answer = await new HttpClient(this.#app.baseUrl).get('/dev/outbox')
    return (JSON.parse(answer.body) as OutboxMessage[]).filter((message) => message.to === to)
  }

  /** Waits for the message, which goes out after the page. */
  async lastCode(to: string, previous?: string): Promise<string> {
    for (let tries = 0; tries < 250; tries++) {
      const message = (await this.messagesTo(to)).find(({ code }) => code !== undefined)
      if (message?.code && message.code !== previous) return message.code
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return assert.fail(`no code was sent to ${to}`)
  }

  /** The reference that every page shows. */
  static reference(page: Answer): string {
    const reference = /\b[A-Z2-9]{3}-[A-Z2-9]{3}\b/.exec(page.body)?.[0]
    assert.ok(reference, `the page shows no reference:\n${page.body}`)
    return reference
  }
}
