import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { formsOf, type HtmlForm } from './html-forms.ts'

/** More hops than any sign-in takes. */
const maxHops = 25

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly location?: string
  readonly text: string
  readonly forms: readonly HtmlForm[]
}

/**
 * What a person's browser does, without script: follows redirects, keeps cookies by host as RFC 6265
 * says (all ports of a host share them), fills the sign-in form, presses the button of pages that
 * carry messages from one server to the other. It remembers what went by, for the tests to look at.
 */
export class Browser {
  private readonly cookies = new Map<string, Map<string, string>>()
  /** Sign-in forms sent since the browser was opened. */
  signIns = 0
  /** Messages that pages of ours or of a service had it post, in order. */
  readonly posted: { readonly action: string; readonly fields: ReadonlyMap<string, string> }[] = []
  /** Leaves it to the test to send on what pages carry. */
  stopsAtMessages = false
  /** Authority that it trusts, PEM; for addresses of https. */
  ca: string | undefined
  /** Every address asked for, in order. */
  readonly visited: string[] = []

  /**
   * Opens a page and goes on as long as there is nothing to read: through redirects and pages that
   * only pass a message on, and through the sign-in form when given a username and password.
   */
  async open(url: string, credentials?: Credentials): Promise<Page> {
    return this.goOn(await this.request('GET', url), credentials)
  }

  /** Sends a form with these values beside its own, then goes on as `open` does. */
  async submit(
    form: HtmlForm,
    values: Readonly<Record<string, string>> = {},
    credentials?: Credentials,
  ): Promise<Page> {
    return this.goOn(await this.send(form, values), credentials)
  }

  private async goOn(start: Page, credentials: Credentials | undefined): Promise<Page> {
    let page = start
    let typedAlready = false
    for (let hop = 0; hop < maxHops; hop++) {
      const { location } = page
      const messageForm = page.forms.find(
        ({ fields }) =>
          fields.has('SAMLRequest') ||
          fields.has('SAMLResponse') ||
          (fields.has('code') && fields.has('state')),
      )
      const loginForm = page.forms.find(({ fields }) => fields.has('password'))
      if (page.status >= 300 && page.status < 400 && location) {
        page = await this.request('GET', new URL(location, page.url).href)
      } else if (messageForm && !this.stopsAtMessages) {
        this.posted.push(messageForm)
        page = await this.send(messageForm)
      } else if (loginForm && credentials && !typedAlready) {
        typedAlready = true
        this.signIns++
        const { username, password } = credentials
        page = await this.send(loginForm, { username, password })
      } else {
        return page
      }
    }
    throw new Error(`still on the way after ${maxHops} hops:\n${this.visited.join('\n')}`)
  }

  private send(form: HtmlForm, values: Readonly<Record<string, string>> = {}): Promise<Page> {
    const body = new URLSearchParams([...form.fields])
    for (const [name, value] of Object.entries(values)) body.set(name, value)
    if (form.method === 'post') return this.request('POST', form.action, body)
    const url = new URL(form.action)
    url.search = body.toString()
    return this.request('GET', url.href)
  }

  private async request(
    method: 'GET' | 'POST',
    url: string,
    body?: URLSearchParams,
  ): Promise<Page> {
    this.visited.push(url)
    const { hostname, origin } = new URL(url)
    const jar = this.cookies.get(hostname) ?? new Map<string, string>()
    this.cookies.set(hostname, jar)
    const sent = body?.toString()
    const response = await exchange(method, url, sent, this.ca, {
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'accept-language': 'en',
      // mod_auth_openidc sends nobody away for requests that are no navigation.
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'user-agent': 'Propylaia interop test',
      ...(body ? { 'content-type': 'application/x-www-form-urlencoded', origin } : {}),
    })
    for (const line of response.headers['set-cookie'] ?? []) keepCookie(jar, line)
    const { status, text, headers } = response
    return { url, status, location: headers.location, text, forms: formsOf(text, url) }
  }
}

/** One request and its whole answer; fetch() cannot be told that it navigates. */
function exchange(
  method: 'GET' | 'POST',
  url: string,
  body: string | undefined,
  ca: string | undefined,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    // A connection each, so that any worker may get it.
    const open = url.startsWith('https:') ? requestOverTls : request
    const call = open(url, { method, headers, agent: false, ca }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    call.once('error', reject)
    call.end(body)
  })
}

function keepCookie(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  const name = pair.slice(0, at)
  const expires = attributes.find((attribute) => /^expires=/i.test(attribute))
  const isOver =
    attributes.some((attribute) => /^max-age=(0|-\d+)$/i.test(attribute)) ||
    (expires !== undefined && Date.parse(expires.slice('expires='.length)) <= Date.now())
  if (isOver) jar.delete(name)
  else jar.set(name, pair.slice(at + 1))
}
