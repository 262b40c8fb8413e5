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
  readonly headers: Headers
  readonly text: string
  readonly forms: readonly HtmlForm[]
}

/**
 * What a person's browser does, without script: follows redirects, keeps cookies by host as RFC 6265
 * says (all ports of a host share them), fills the sign-in form, presses the button of pages that
 * carry SAML messages. It remembers what went by, for the tests to look at.
 */
export class Browser {
  private readonly cookies = new Map<string, Map<string, string>>()
  /** Sign-in forms sent since the browser was opened. */
  signIns = 0
  /** Messages that pages of ours or of a service had it post, in order. */
  readonly posted: { readonly action: string; readonly fields: ReadonlyMap<string, string> }[] = []
  /** Every address asked for, in order. */
  readonly visited: string[] = []

  /**
   * Opens a page and goes on as long as there is nothing to read: through redirects and pages that
   * only pass a SAML message on, and through the sign-in form when given a username and password.
   */
  async open(url: string, credentials?: Credentials): Promise<Page> {
    return this.goOn(await this.request('get', url), credentials)
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
      const location = page.headers.get('location')
      const messageForm = page.forms.find(
        ({ fields }) => fields.has('SAMLRequest') || fields.has('SAMLResponse'),
      )
      const loginForm = page.forms.find(({ fields }) => fields.has('password'))
      if (page.status >= 300 && page.status < 400 && location) {
        page = await this.request('get', new URL(location, page.url).href)
      } else if (messageForm) {
        this.posted.push(messageForm)
        page = await this.send(messageForm)
      } else if (loginForm && credentials && !typedAlready) {
        typedAlready = true
        this.signIns++
        page = await this.send(loginForm, { ...credentials })
      } else {
        return page
      }
    }
    throw new Error(`still on the way after ${maxHops} hops:\n${this.visited.join('\n')}`)
  }

  private send(form: HtmlForm, values: Readonly<Record<string, string>> = {}): Promise<Page> {
    const body = new URLSearchParams([...form.fields])
    for (const [name, value] of Object.entries(values)) body.set(name, value)
    if (form.method === 'post') return this.request('post', form.action, body)
    const url = new URL(form.action)
    url.search = body.toString()
    return this.request('get', url.href)
  }

  private async request(method: string, url: string, body?: URLSearchParams): Promise<Page> {
    this.visited.push(url)
    const { hostname, origin } = new URL(url)
    const jar = this.cookies.get(hostname) ?? new Map<string, string>()
    this.cookies.set(hostname, jar)
    const response = await fetch(url, {
      method: method.toUpperCase(),
      redirect: 'manual',
      body,
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        'accept-language': 'en',
        'user-agent': 'Propylaia interop test',
        ...(body ? { origin } : {}),
      },
    })
    for (const line of response.headers.getSetCookie()) keepCookie(jar, line)
    const text = await response.text()
    return {
      url,
      status: response.status,
      headers: response.headers,
      text,
      forms: formsOf(text, url),
    }
  }
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
