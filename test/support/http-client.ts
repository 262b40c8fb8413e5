import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { unescapeHtml } from './html.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A browser's worth of HTTP for tests and load: a cookie jar, kept connections, no redirects followed. */
export class HttpClient {
  readonly #base: URL
  readonly #agent: Agent
  readonly #cookies = new Map<string, string>()

  constructor(baseUrl: string, agent = new Agent({ keepAlive: true, maxSockets: 64 })) {
    this.#base = new URL(baseUrl)
    this.#agent = agent
  }

  get(path: string): Promise<Answer> {
    return this.#send('GET', path)
  }

  post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#send('POST', path, new URLSearchParams(fields).toString(), headers)
  }

  /** Any body, such as JSON or a form with a file in it. */
  send(
    method: string,
    path: string,
    body: string | Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<Answer> {
    return this.#send(method, path, body, headers)
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const url = new URL(path, this.#base)
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.#agent,
          method,
          hostname: url.hostname,
          port: url.port,
          path: url.pathname + url.search,
          headers: {
            ...(cookie ? { cookie } : {}),
            ...(body === undefined
              ? {}
              : {
                  'content-type': 'application/x-www-form-urlencoded',
                  'content-length': Buffer.byteLength(body),
                }),
            ...headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk) => chunks.push(chunk))
          incoming.on('error', reject)
          incoming.on('end', () => {
            this.#keepCookies(incoming.headers['set-cookie'] ?? [])
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: Buffer.concat(chunks).toString('utf8'),
            })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  #keepCookies(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = ''] = line.split(';', 1)
      const separator = pair.indexOf('=')
      const [name, value] = [pair.slice(0, separator), pair.slice(separator + 1)]
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }
}

/** The value of a hidden field in a page of ours. */
export function hiddenField(html: string, name: string): string {
  const input = new RegExp(`<input[^>]*\\bname="${name}"[^>]*>`).exec(html)?.[0] ?? ''
  const value = /\bvalue="([^"]*)"/.exec(input)?.[1]
  if (value === undefined)
    throw new Error(`the page has no field "${name}":\n${html.slice(0, 2000)}`)
  return unescapeHtml(value)
}
