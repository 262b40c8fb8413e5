import assert from 'node:assert/strict'
import type { TestApp } from './app.ts'
import { type Answer, HttpClient, hiddenField } from './http-client.ts'

export interface OutboxMessage {
  readonly channel: 'sms' | 'email'
  readonly to: string
  readonly subject?: string
  readonly text: string
  readonly code?: string
}

/** The pages of the password service as one person in one browser goes through them. */
export class AccountWalk {
  readonly client: HttpClient
  readonly #app: TestApp

  constructor(app: TestApp) {
    this.#app = app
    this.client = new HttpClient(app.baseUrl)
  }

  /** Types username and password on the page that the address leads to, and goes on from there. */
  async signIn(username: string, password: string, path = '/login'): Promise<Answer> {
    const page = await this.open(path)
    const action = /<form[^>]* action="(\/login[^"]*)"/.exec(page.body)?.[1]
    assert.ok(action, `${path} does not lead to the sign-in:\n${page.body}`)
    const flow = page.body.includes('name="flow"') ? hiddenField(page.body, 'flow') : ''
    const fields = { username, password, ...(flow ? { flow } : {}) }
    return this.post(action, fields, hiddenField(page.body, '_csrf'))
  }

  /** Follows redirects as a browser does. */
  async open(path: string): Promise<Answer> {
    return this.#follow(await this.client.get(path))
  }

  /** Sends a form that stands on `page`, then reads the page that it leads to. */
  async submit(path: string, fields: Record<string, string>, page = path): Promise<Answer> {
    const form = await this.open(page)
    return this.post(path, fields, hiddenField(form.body, '_csrf'))
  }

  async post(path: string, fields: Record<string, string>, _csrf: string): Promise<Answer> {
    return this.#follow(await this.client.post(path, { _csrf, ...fields }))
  }

  /** Newest first. */
  async outbox(to?: string): Promise<OutboxMessage[]> {
    const answer = await new HttpClient(this.#app.baseUrl).get('/dev/outbox')
    const messages: OutboxMessage[] = JSON.parse(answer.body)
    return to === undefined ? messages : messages.filter((message) => message.to === to)
  }

  async lastCode(to: string): Promise<string> {
    const code = (await this.outbox(to)).find((message) => message.code)?.code
    assert.ok(code, `no code was sent to ${to}`)
    return code
  }

  async #follow(first: Answer): Promise<Answer> {
    let answer = first
    for (let hop = 0; answer.status === 303 && hop < 6; hop++) {
      answer = await this.client.get(answer.headers.location ?? '/')
    }
    return answer
  }
}
