import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import express, { type Express, type Request, type Response } from 'express'
import { type Language, labels, texts } from './service-texts.ts'

const styles = readFileSync(new URL('./service-page.css', import.meta.url))

/** Sessions that a demo service remembers at most; the oldest goes first. */
const maxSessions = 1000

export interface ServiceFace {
  /** Also the CSS class that gives the colours. */
  readonly key: 'secretariat' | 'library' | 'courses'
  readonly name: Record<Language, string>
  readonly description: Record<Language, string>
  /** Path data of a 24x24 drawing. */
  readonly icon: string
}

export interface Row {
  /** Name on the wire: FriendlyName or claim. */
  readonly name: string
  /** Formal name, shown small. */
  readonly formalName?: string
  readonly values: readonly string[]
}

/** Markup that we built; everything else is escaped. */
class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export function html(parts: TemplateStringsArray, ...values: unknown[]): Markup {
  const print = (value: unknown): string => {
    if (value instanceof Markup) return value.text
    if (Array.isArray(value)) return value.map(print).join('')
    if (value === undefined || value === false) return ''
    return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  }
  return new Markup(parts.map((part, index) => part + print(values[index])).join(''))
}

/**
 * An express app with what the demo services share: style sheet, security headers, form parsing.
 *
 * @param formTargets origins that the service's forms may end at, redirects included
 */
export function createServiceApp(formTargets: readonly string[]): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use((_req, res, next) => {
    res.set({
      'Content-Security-Policy': `default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${formTargets.join(' ')}`,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    })
    next()
  })
  app.get('/style.css', (_req, res) => {
    res.set('Cache-Control', 'public, max-age=300').type('css').send(styles)
  })
  app.use(express.urlencoded({ extended: false, limit: '1mb' }))
  return app
}

export function languageOf(req: Request): Language {
  const chosen = req.query.lang ?? readCookie(req, 'demo-lang')
  if (chosen === 'el' || chosen === 'en') return chosen
  return req.acceptsLanguages(['el', 'en']) === 'en' ? 'en' : 'el'
}

/** Rows of names and values, the person's words first and the wire's words small. */
export function panel(rows: readonly Row[], language: Language): Markup {
  if (rows.length === 0) return html`<p>${texts.noAttributes[language]}</p>`
  return html`<dl class="panel">${rows.map((row) => {
    const label = labels[row.name]?.[language]
    const formal = [label && row.name, row.formalName].filter(Boolean)
    return html`<div>
      <dt>${label ?? row.name}${formal.map((name) => html`<small>${name}</small>`)}</dt>
      <dd>${row.values.map((value) => html`<div>${value}</div>`)}</dd>
    </div>`
  })}</dl>`
}

/** Answers with a page of the service, in the language of the visitor. */
export function sendPage(
  req: Request,
  res: Response,
  face: ServiceFace,
  page: { title: string; body: Markup; status?: number },
) {
  const language = languageOf(req)
  const other = language === 'el' ? 'en' : 'el'
  if (req.query.lang === language) {
    res.append('Set-Cookie', `demo-lang=${language}; Path=/; SameSite=Lax; Max-Age=31536000`)
  }
  res
    .status(page.status ?? 200)
    .type('html')
    .send(
      html`<!doctype html>
<html lang="${language}" class="${face.key}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} - ${face.name[language]}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><div class="bar">
<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${face.icon}"/></svg>
<span class="name">${face.name[language]}</span>
<a class="language" href="/?lang=${other}" lang="${other}" hreflang="${other}">${texts.otherLanguage[language]}</a>
</div></header>
<main>${page.body}</main>
<footer>${texts.notice[language]}</footer>
</body>
</html>`.text,
    )
}

/** The page of somebody who is not signed in. */
export function sendFrontPage(req: Request, res: Response, face: ServiceFace, note?: Markup) {
  const language = languageOf(req)
  sendPage(req, res, face, {
    title: texts.signIn[language],
    body: html`<h1>${face.name[language]}</h1>
      ${note}
      <p class="lead">${face.description[language]}</p>
      <p class="actions"><a class="button" href="/login">${texts.signIn[language]}</a></p>`,
  })
}

/** The person did not want that data goes to the service (RFC 6749 4.1.2.1, SAML Core 3.2.2.2). */
function isRefusal(error: unknown): boolean {
  const { error: code, xmlStatus } = error as { error?: unknown; xmlStatus?: unknown }
  return code === 'access_denied' || String(xmlStatus).includes('status:RequestDenied')
}

/** What went wrong, in full: whoever tries the demo wants to know. */
export function sendProblem(req: Request, res: Response, face: ServiceFace, error: unknown) {
  const language = languageOf(req)
  if (isRefusal(error)) {
    return sendPage(req, res, face, {
      title: texts.refused[language],
      status: 403,
      body: html`<h1>${texts.refused[language]}</h1>
        <p class="lead">${texts.refusedText[language]}</p>
        <p class="actions"><a class="button" href="/login">${texts.signIn[language]}</a></p>`,
    })
  }
  const cause = (error as { cause?: unknown }).cause
  sendPage(req, res, face, {
    title: texts.failed[language],
    status: 502,
    body: html`<div class="problem"><h1>${texts.failed[language]}</h1>
      <p>${texts.failedText[language]}</p>
      <pre>${(error as Error).message}${cause instanceof Error && `\n${cause.message}`}</pre></div>
      <p class="actions"><a class="button" href="/">${texts.retry[language]}</a></p>`,
  })
}

/** Sessions of one demo service: in memory, gone with the process. */
export class ServiceSessions<T> {
  readonly #cookie: string
  readonly #sessions = new Map<string, T>()

  constructor(cookie: string) {
    this.#cookie = cookie
  }

  find(req: Request): T | undefined {
    const id = readCookie(req, this.#cookie)
    return id === undefined ? undefined : this.#sessions.get(id)
  }

  /** Always under a new id. */
  start(req: Request, res: Response, session: T): void {
    this.#forget(req)
    const oldest = this.#sessions.keys().next().value
    if (this.#sessions.size >= maxSessions && oldest !== undefined) this.#sessions.delete(oldest)
    const id = randomBytes(24).toString('base64url')
    this.#sessions.set(id, session)
    res.append('Set-Cookie', `${this.#cookie}=${id}; Path=/; HttpOnly; SameSite=Lax`)
  }

  end(req: Request, res: Response): T | undefined {
    const session = this.find(req)
    this.#forget(req)
    res.append('Set-Cookie', `${this.#cookie}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`)
    return session
  }

  /** Ends those that the test picks out, whatever browser they are of. */
  endAll(isMeant: (session: T) => boolean): void {
    for (const [id, session] of this.#sessions) if (isMeant(session)) this.#sessions.delete(id)
  }

  #forget(req: Request): void {
    const id = readCookie(req, this.#cookie)
    if (id !== undefined) this.#sessions.delete(id)
  }
}

function readCookie(req: Request, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split('; ')) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1)
  }
  return undefined
}
