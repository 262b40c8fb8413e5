import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'

/**
 * The value of one cookie as the browser sent it; undefined when absent. Our own values are
 * base64url or words, so nothing is unquoted or percent-decoded (RFC 6265 5.4).
 */
export function readCookie(req: IncomingMessage, name: string): string | undefined {
  const header = req.headers.cookie
  if (!header) return undefined
  for (const pair of header.split(';')) {
    const separator = pair.indexOf('=')
    if (separator > 0 && pair.slice(0, separator).trim() === name) {
      return pair.slice(separator + 1).trim()
    }
  }
  return undefined
}

/** Adds a Set-Cookie header without touching those that other parts have set on this response. */
export function appendCookie(
  res: Response,
  name: string,
  value: string,
  options: { secure: boolean; maxAgeSeconds?: number },
) {
  const lifetime = options.maxAgeSeconds === undefined ? '' : `; Max-Age=${options.maxAgeSeconds}`
  const secure = options.secure ? '; Secure' : ''
  res.append('Set-Cookie', `${name}=${value}; Path=/${lifetime}; HttpOnly${secure}; SameSite=Lax`)
}
