import { timingSafeEqual } from 'node:crypto'
import express, { type NextFunction, type Request, type Response } from 'express'
import { IdpError } from '../errors.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { appendCookie, readCookie } from './cookies.ts'
import { type WebParts, webParts } from './web-parts.ts'

/** The body of a form of ours: few short fields. A repeated name gives a list, so check for string. */
const parseForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 200 })

const cookieValuePattern = /^[A-Za-z0-9_-]{22}$/
const issued = Symbol('CSRF cookie value set on this response')

/**
 * The token for the hidden field `_csrf`: HMAC over the browser's random cookie and the SSO session,
 * so nothing is kept on the server. It holds as long as cookie and session do: a login page that
 * stayed open for hours still works, a form from before a sign-in does not act for the new user.
 */
export function csrfToken(req: Request, res: Response): string {
  const parts = webParts(req)
  const given = readCookie(req, cookieName(parts))
  const onThisResponse = res as Response & { [issued]?: string }
  let value = given !== undefined && cookieValuePattern.test(given) ? given : onThisResponse[issued]
  if (value === undefined) {
    value = randomToken()
    onThisResponse[issued] = value
    appendCookie(res, cookieName(parts), value, { secure: parts.isHttps })
  }
  return sign(parts, value, req.session?.sso?.id ?? '').toString('base64url')
}

/**
 * Lets a form POST pass only when it came from a page of ours. Parses the urlencoded body first.
 *
 * @throws {IdpError} CSRF_INVALID (403)
 */
export function requireCsrf(req: Request, res: Response, next: NextFunction) {
  guard(req, res, next, [req.session?.sso?.id ?? ''])
}

/** The same for a route that has other things to look at first. */
export function checkCsrf(req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    requireCsrf(req, res, (error?: unknown) => (error ? reject(error) : resolve()))
  })
}

/**
 * The same for the login form, which may have been opened before this browser signed in in another
 * tab: its token then names no session, and that is fine because signing in acts for nobody yet.
 */
export function requireLoginCsrf(req: Request, res: Response, next: NextFunction) {
  guard(req, res, next, [req.session?.sso?.id ?? '', ''])
}

function guard(req: Request, res: Response, next: NextFunction, sessionIds: string[]) {
  parseForm(req, res, (error?: unknown) => {
    if (error) return next(error)
    const problem = findOriginProblem(req) ?? findTokenProblem(req, sessionIds)
    if (problem) next(new IdpError('CSRF_INVALID', problem, { status: 403 }))
    else next()
  })
}

/** Browsers say where a POST comes from; requests of other software say nothing and need the token only. */
function findOriginProblem(req: Request): string | undefined {
  const site = req.headers['sec-fetch-site']
  if (site !== undefined) {
    // "none": the person's own doing, such as reloading the answer to a form.
    return site === 'same-origin' || site === 'none'
      ? undefined
      : `Sec-Fetch-Site is "${site}", expected "same-origin"`
  }
  const { origin, host } = req.headers
  if (origin === undefined) return undefined
  const { baseUrl } = webParts(req).context.config
  const isOurs =
    URL.canParse(origin) && (new URL(origin).host === host || origin === new URL(baseUrl).origin)
  return isOurs ? undefined : `Origin is "${origin}", expected "${new URL(baseUrl).origin}"`
}

function findTokenProblem(req: Request, sessionIds: string[]): string | undefined {
  const parts = webParts(req)
  const value = readCookie(req, cookieName(parts))
  if (value === undefined) return `the cookie ${cookieName(parts)} is missing`
  const token: unknown = req.body?._csrf
  if (typeof token !== 'string') return 'the field _csrf is missing'
  const given = Buffer.from(token, 'base64url')
  const fits = sessionIds.some((sessionId) => {
    const expected = sign(parts, value, sessionId)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  return fits ? undefined : 'the field _csrf does not belong to this cookie and session'
}

function sign(parts: WebParts, cookieValue: string, sessionId: string): Buffer {
  return keyedHash(parts.context.secrets.get('csrf'), `${cookieValue}|${sessionId}`)
}

/** `__Host-` cannot be set by a neighbour domain nor over http; browsers refuse it on plain http. */
function cookieName(parts: WebParts): string {
  return parts.isHttps ? '__Host-csrf' : 'csrf'
}
