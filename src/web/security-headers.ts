import type { NextFunction, Request, Response } from 'express'
import helmet from 'helmet'
import type { Institution } from '../institution.ts'

const policyHeader = 'Content-Security-Policy'

/** Every feature that a sign-in page has no use for; passkeys stay possible. */
const permissionsPolicy = [
  'accelerometer=()',
  'autoplay=()',
  'browsing-topics=()',
  'camera=()',
  'display-capture=()',
  'encrypted-media=()',
  'fullscreen=()',
  'geolocation=()',
  'gyroscope=()',
  'magnetometer=()',
  'microphone=()',
  'midi=()',
  'payment=()',
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  'usb=()',
  'xr-spatial-tracking=()',
].join(', ')

/**
 * Sets the security headers on every response.
 *
 * Cross-Origin-Opener-Policy is left to renderPage: on the way of a service's sign-in it would cut
 * the tie between a service and the pop-up window it opened, redirects included.
 */
export function securityHeaders(options: { isHttps: boolean; institution: Institution }) {
  const logo = options.institution.logo && policySource(options.institution.logo.url)
  const setHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'font-src': ["'self'"],
        'img-src': ["'self'", 'data:', ...(logo ? [logo] : [])],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
        'form-action': ["'self'"],
      },
    },
    strictTransportSecurity: options.isHttps && { maxAge: 31_536_000, includeSubDomains: false },
    // Services that check where a SAML form comes from see our origin, never a path or a query.
    referrerPolicy: { policy: 'strict-origin-when-cross-origin' },
    crossOriginOpenerPolicy: false,
    xFrameOptions: { action: 'deny' },
  })
  return (req: Request, res: Response, next: NextFunction) => {
    res.setHeader('Permissions-Policy', permissionsPolicy)
    setHeaders(req, res, next)
  }
}

/**
 * Lets forms on this response lead to a service, given any of its registered addresses. Chromium
 * holds every redirect after a form POST to `form-action`, those of the service too, and many send
 * the browser on to another host of theirs (proxies between federations, single-page applications):
 * so an https address opens the way to all of https. A native app's scheme
 * (`org.example.app:/callback`) is allowed as a scheme.
 */
export function cspFormAction(res: Response, url: string) {
  extendPolicy(res, 'form-action', url)
  if (url.startsWith('https://')) extendPolicy(res, 'form-action', 'https:')
}

/**
 * Lets this page show frames of ours and of these registered addresses, and of nobody else. Their own
 * redirects stay within the same origins.
 */
export function cspFrames(res: Response, urls: readonly string[]) {
  const policy = res.getHeader(policyHeader)
  if (typeof policy !== 'string') return
  const origins = urls.flatMap((url) => policySource(url) ?? [])
  res.setHeader(policyHeader, `${policy};frame-src ${["'self'", ...new Set(origins)].join(' ')}`)
}

/** Lets the script of this page ask our own server. */
export function cspOwnRequests(res: Response) {
  const policy = res.getHeader(policyHeader)
  if (typeof policy === 'string') res.setHeader(policyHeader, `${policy};connect-src 'self'`)
}

/** Lets pages of ours show this answer in a frame. */
export function allowOwnFrames(res: Response) {
  const policy = res.getHeader(policyHeader)
  if (typeof policy === 'string') {
    res.setHeader(policyHeader, policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'"))
  }
  res.setHeader('X-Frame-Options', 'SAMEORIGIN')
}

/** Policies already made: a service is answered many times. Emptied when it has grown. */
const extended = new Map<string, string>()
const maxExtended = 2000

function extendPolicy(res: Response, directive: string, url: string) {
  const policy = res.getHeader(policyHeader)
  if (typeof policy !== 'string') return
  const key = `${directive} ${url} ${policy}`
  let result = extended.get(key)
  if (result === undefined) {
    result = withSource(policy, directive, url)
    if (extended.size >= maxExtended) extended.clear()
    extended.set(key, result)
  }
  res.setHeader(policyHeader, result)
}

function withSource(policy: string, directive: string, url: string): string {
  const source = policySource(url)
  if (source === undefined) return policy
  return policy
    .split(';')
    .map((part) => {
      const words = part.trim().split(' ')
      return words[0] === directive && !words.includes(source) ? `${part} ${source}` : part
    })
    .join(';')
}

const webOrigin = /^https?:\/\/[\w.-]+(:\d+)?$|^https?:\/\/\[[\da-f:]+\](:\d+)?$/

/** The origin of a web address, the scheme of any other; undefined for what is no URL. */
function policySource(url: string): string | undefined {
  if (url === 'https:') return url
  if (!URL.canParse(url)) return undefined
  const { protocol, origin } = new URL(url)
  // A host may hold `;` or `*` (URL Standard), which mean something else in a policy.
  if (protocol === 'https:' || protocol === 'http:')
    return webOrigin.test(origin) ? origin : undefined
  // `data:` is allowed where it is harmless; as a form target or script scheme it never is.
  return protocol === 'data:' || protocol === 'javascript:' ? undefined : protocol
}
