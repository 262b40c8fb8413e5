import type { Request, Response } from 'express'
import { appendCookie, readCookie } from './cookies.ts'
import { webParts } from './web-parts.ts'

export const languages = ['el', 'en'] as const
export type Language = (typeof languages)[number]

const cookieName = 'lang'
const oneYearSeconds = 365 * 24 * 3600

/**
 * The language of this request's page: `?lang=` when the person just switched, else what they
 * chose before (cookie), else the browser's Accept-Language, else Greek.
 */
export function languageOf(req: Request): Language {
  return askedLanguage(req) ?? asLanguage(readCookie(req, cookieName)) ?? acceptedLanguage(req)
}

/** Remembers the language when this request switched it. Called with every page that is rendered. */
export function rememberLanguage(req: Request, res: Response) {
  const asked = askedLanguage(req)
  if (asked === undefined || readCookie(req, cookieName) === asked) return
  appendCookie(res, cookieName, asked, {
    secure: webParts(req).isHttps,
    maxAgeSeconds: oneYearSeconds,
  })
}

/**
 * Where the EN | GR links lead: this page with `lang` set and the rest of its URL kept. A page
 * that answers a POST has no address of its own, so its links lead to the form it came from.
 */
export function languageUrls(req: Request): Record<Language, string> {
  const here = pageAddress(req)
  return { el: withLanguage(here, 'el'), en: withLanguage(here, 'en') }
}

/**
 * Path and query of the page the person is on, always one of ours: for a POST the form's page,
 * from a same-origin Referer, else the home page.
 */
export function pageAddress(req: Request): string {
  if (req.method === 'GET' || req.method === 'HEAD') return ownPath(req.originalUrl)
  const referer = req.headers.referer
  if (referer === undefined || !URL.canParse(referer)) return '/'
  const url = new URL(referer)
  return url.host === req.headers.host ? ownPath(url.pathname + url.search) : '/'
}

/** Never `//host/…` or `/\host`, which a browser reads as another site's address. */
function ownPath(address: string): string {
  const base = 'http://base.invalid'
  const path = address.replace(/^[/\\]+/, '/')
  if (!URL.canParse(path, base)) return '/'
  const url = new URL(path, base)
  return url.pathname.replace(/^[/\\]+/, '/') + url.search
}

function withLanguage(address: string, language: Language): string {
  const [path = '/', query = ''] = address.split(/\?(.*)/s)
  // Not URLSearchParams: it would re-encode a query whose bytes a SAML signature covers.
  const rest = query.split('&').filter((part) => part !== '' && !/^lang(=|$)/.test(part))
  return `${path}?${[...rest, `lang=${language}`].join('&')}`
}

function askedLanguage(req: Request): Language | undefined {
  // Most requests have no query: spare them the parsing.
  return req.url.includes('lang=') ? asLanguage(req.query.lang) : undefined
}

function acceptedLanguage(req: Request): Language {
  if (req.headers['accept-language'] === undefined) return 'el'
  return asLanguage(req.acceptsLanguages(...languages)) ?? 'el'
}

function asLanguage(value: unknown): Language | undefined {
  return languages.find((language) => language === value)
}
