import { isLoopbackUrl } from './metadata-text.ts'

/** Which addresses a CAS service signs people in from, taken apart once. */
export interface CasPattern {
  /** Canonical text; also the id of the registration. */
  readonly text: string
  readonly protocol: 'https:' | 'http:'
  /** Lower case, punycode; of `*.uni.example.gr` the part after `*.`. */
  readonly hostname: string
  /** Every host below `hostname`, and not that itself. */
  readonly isWildcard: boolean
  /** Empty for the scheme's own. */
  readonly port: string
  /** Without a slash at its end; empty for the whole host. */
  readonly path: string
}

export class CasPatternError extends Error {
  override readonly name = 'CasPatternError'
}

const maxUrlLength = 2000

/**
 * Second labels under which strangers register names in many countries: `*.edu.gr` would be open to
 * anybody who does. Longer public suffixes are for whoever registers the pattern to know.
 */
const registryLabels = new Set(
  'ac co com edu gob gouv gov go gr ltd mil ne net nom or org sch'.split(' '),
)

/**
 * Reads `https://HOST[:PORT][/PATH]`: scheme, host and port are compared whole, the path as a prefix
 * that ends between segments. HOST may begin with the label `*`, which stands for one or more whole
 * labels. `/*` or `/**` at the end means what its absence means. http only on this machine.
 *
 * @throws {CasPatternError} what was expected, what came, what to do
 */
export function parseCasPattern(given: string): CasPattern {
  const trimmed = given.trim().replace(/\/\*{1,2}$/, '/')
  const shown = given.length > 200 ? `${given.slice(0, 200)}…` : given
  const refuse = (why: string) =>
    new CasPatternError(
      `"${shown}" is no address pattern such as https://eclass.uni.example.gr/modules: ${why}`,
    )
  const [, isWild, rest = ''] = /^https?:\/\/(\*\.)?(.*)$/is.exec(trimmed) ?? []
  const scheme = /^https:/i.test(trimmed) ? 'https:' : 'http:'
  const url = cleanUrl(`${scheme}//${rest}`)
  if (rest === '' || !url) {
    throw refuse('it must begin with https:// and hold nothing but host, port and path')
  }
  if (/[*?#^$|()[\]+]/.test(rest.replace(/^\[[\da-f:.]+\]/i, ''))) {
    throw refuse('it holds no *, ?, # or regular expression, but for *. before the host')
  }
  if (url.protocol === 'http:' && (isWild || !isLoopbackUrl(url.href))) {
    throw refuse(
      'http is for this machine (localhost) only: a ticket that others can read is theirs',
    )
  }
  if (isWild) {
    const why = whyTooWide(url.hostname)
    if (why) throw refuse(why)
  }
  const path = url.pathname.replace(/\/+$/, '')
  if (pathAtItsLoosest(path) !== path) {
    // `/%61pp` would be asked before `/app`, and both would be without an address of their own.
    throw refuse(
      'its path must be written plainly: no //, no ; and no % for what needs none (~, not %7E)',
    )
  }
  const host = `${isWild ? '*.' : ''}${url.host}`
  return {
    text: `${url.protocol}//${host}${path === '' ? '/' : path}`,
    protocol: url.protocol as CasPattern['protocol'],
    hostname: url.hostname,
    isWildcard: isWild !== undefined,
    port: url.port,
    path,
  }
}

function whyTooWide(hostname: string): string | undefined {
  const labels = hostname.split('.')
  if (/^[\d.]+$/.test(hostname) || hostname.startsWith('['))
    return '*. needs a name, not an address'
  if (labels.length < 2) return `*.${hostname} would be half of the Internet`
  const [second = '', top = ''] = labels.slice(-2)
  return labels.length === 2 && top.length === 2 && registryLabels.has(second)
    ? `anybody can register a name under ${hostname}`
    : undefined
}

/** A URL's host may hold `;`, `=` or `,` too (URL Standard 3.5), where other parsers end it. */
const plainHostname = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$|^\[[\da-f:.]+\]$/

/**
 * An address that we, a browser and whatever server answers there all read in one way; undefined for
 * any other. What WHATWG parsers mend in silence (tabs, backslashes, dot segments, also encoded
 * ones) is refused instead, and so is what some servers decode once more or cut off (`..;`, `%2e`).
 */
export function cleanUrl(text: string): URL | undefined {
  if (text.length > maxUrlLength || /[\s\\\p{C}]/u.test(text)) return undefined
  if (!/^https?:\/\/[^/?#@]+([/?][^#]*)?$/i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  const [, host = '', path = ''] = /^https?:\/\/([^/?]+)([^?]*)/i.exec(text) ?? []
  if (host.includes('%') || !plainHostname.test(url.hostname)) return undefined
  return hasDotSegment(path) ? undefined : url
}

/** Decoded as often as anything on the way might. */
function hasDotSegment(path: string): boolean {
  let decoded = path
  for (let round = 0; round < 4; round++) {
    const segments = decoded.split(/[/\\]/).map((segment) => segment.split(';')[0])
    if (segments.some((segment) => segment === '.' || segment === '..')) return true
    const next = decoded.replace(/%(2e|2f|5c|3b|25)/gi, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    )
    if (next === decoded) return false
    decoded = next
  }
  // Still not plain after four rounds: nobody means well by that.
  return true
}

/** The session id that Java servers put into a path, up to the segment's end. */
const javaSession = /;jsessionid=[^/]*/i

/** The path as it is written, but for a Java session id, which is no part of any name. */
export function pathAsWritten(path: string): string {
  return path.replace(javaSession, '')
}

/**
 * The path as some server might read it: decoded, without parameters, slashes merged. Where it leads
 * elsewhere than the written one, nobody can say which service answers.
 */
export function pathAtItsLoosest(path: string): string {
  let decoded = path
  for (let round = 0; round < 4; round++) {
    decoded = decoded.replace(/%(2[1-9a-f]|[3-7][\da-f])/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
  }
  return decoded
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
    .replace(/\/$/, '')
}

/**
 * Scheme, host and port are the pattern's, and the path is its path or below. The query is not looked
 * at.
 *
 * @param read how paths are read
 */
export function matchesCasPattern(
  pattern: CasPattern,
  url: URL,
  read: (path: string) => string = pathAsWritten,
): boolean {
  const { protocol, hostname, isWildcard, port, path } = pattern
  if (url.protocol !== protocol || url.port !== port) return false
  const isHost = isWildcard ? url.hostname.endsWith(`.${hostname}`) : url.hostname === hostname
  return isHost && isAtOrBelow(read(url.pathname), read(path))
}

function isAtOrBelow(pathname: string, path: string): boolean {
  return path === '' || pathname === path || pathname.startsWith(`${path}/`)
}

/** Whether some address matches both. */
export function overlaps(a: CasPattern, b: CasPattern): boolean {
  if (a.protocol !== b.protocol || a.port !== b.port) return false
  const isSameHost =
    a.hostname === b.hostname
      ? a.isWildcard === b.isWildcard
      : (a.isWildcard && b.hostname.endsWith(`.${a.hostname}`)) ||
        (b.isWildcard && a.hostname.endsWith(`.${b.hostname}`))
  return isSameHost && (isAtOrBelow(a.path, b.path) || isAtOrBelow(b.path, a.path))
}

/** The order in which patterns are asked: a host before a wildcard, the longer before the shorter. */
export function bySpecificity(a: CasPattern, b: CasPattern): number {
  return (
    Number(a.isWildcard) - Number(b.isWildcard) ||
    b.hostname.length - a.hostname.length ||
    b.path.length - a.path.length
  )
}
