import { hiddenField } from '../support/http-client.ts'

interface Cookie {
  name: string
  value: string
  path: string
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly location?: string
  readonly body: string
  readonly headers: Headers
}

/**
 * A browser on the identity provider: follows redirects there, stops at any other address, and keeps
 * cookies by path, which is what keeps the tabs of one browser apart.
 */
export class Browser {
  readonly #origin: string
  readonly #cookies: Cookie[] = []

  constructor(baseUrl: string) {
    this.#origin = new URL(baseUrl).origin
  }

  /** Follows redirects while they stay here. The last page, or the redirect that leads away. */
  async open(url: string): Promise<Page> {
    let page = await this.request(url)
    for (let step = 0; page.location && step < 15; step++) {
      const next = new URL(page.location, page.url)
      if (next.origin !== this.#origin) return page
      page = await this.request(next.href)
    }
    return page
  }

  /** Posts a form of `page`, then follows as `open` does. */
  async submit(page: Page, action: string, fields: Record<string, string>): Promise<Page> {
    const answer = await this.request(new URL(action, page.url).href, new URLSearchParams(fields))
    return answer.location && new URL(answer.location, answer.url).origin === this.#origin
      ? this.open(new URL(answer.location, answer.url).href)
      : answer
  }

  /** Fills in the sign-in page. */
  signIn(page: Page, username: string, password: string): Promise<Page> {
    return this.submit(page, '/login', {
      _csrf: hiddenField(page.body, '_csrf'),
      flow: hiddenField(page.body, 'flow'),
      username,
      password,
    })
  }

  async request(href: string, body?: URLSearchParams): Promise<Page> {
    const url = new URL(href, this.#origin)
    const cookie = this.#cookies
      .filter(({ path }) => url.pathname.startsWith(path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie ? { cookie } : {}) },
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return {
      url: url.href,
      status: response.status,
      location: response.headers.get('location') ?? undefined,
      body: await response.text(),
      headers: response.headers,
    }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    const path = attributes.find((one) => /^path=/i.test(one))?.slice('path='.length) ?? '/'
    const known = this.#cookies.findIndex((cookie) => cookie.name === name && cookie.path === path)
    if (known !== -1) this.#cookies.splice(known, 1)
    const value = pair.slice(pair.indexOf('=') + 1)
    const isGone = value === '' || /expires=Thu, 01 Jan 1970/i.test(line)
    if (!isGone) this.#cookies.push({ name, value, path })
  }
}
