import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { type BlockList, isIP } from 'node:net'
import { isInNetworks } from './named-networks.ts'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

/** Why nothing came; pages translate it as `fetch.<reason>`. */
export type FetchProblem =
  | 'not-https'
  | 'not-public'
  | 'unknown-host'
  | 'unreachable'
  | 'too-slow'
  | 'too-large'
  | 'too-many-redirects'
  | 'not-found'
  | 'wrong-type'

/** What a stranger pointed to could not be fetched. `message` is for the log. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly reason: FetchProblem

  constructor(reason: FetchProblem, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.reason = reason
  }
}

export interface PublicFetchOptions {
  readonly accept: string
  readonly maxBytes: number
  /** For all of it, redirects included. */
  readonly timeoutMs: number
  /** Also http and https on this machine's loopback: trial installations and tests only. */
  readonly allowLoopback: boolean
  /** Also at these addresses, on any port, by https: for what an administrator approved. */
  readonly networks?: BlockList | undefined
  /** All addresses of a host; the system's resolver when absent. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
  /** Authorities trusted beside the usual ones, PEM. */
  readonly ca?: string
}

export interface Fetched {
  readonly bytes: Buffer
  /** Without parameters, in lower case; empty when the server says none. */
  readonly contentType: string
}

const maxRedirects = 3
/** Beside 443 those that Java application servers use; other ports are not for strangers to reach by us. */
const httpsPorts = new Set(['', '443', '8443'])

/**
 * Fetches what a stranger pointed to, without letting them reach our own network by us (SSRF):
 * https only, and only when every address of the host is public. The connection goes to the very
 * addresses that were looked at, so a name that answers otherwise a moment later gains nothing; each
 * redirect is looked at in the same way. No cookies, no credentials.
 *
 * @throws {FetchError}
 */
export async function fetchPublic(address: string, options: PublicFetchOptions): Promise<Fetched> {
  const signal = AbortSignal.timeout(options.timeoutMs)
  let url = address
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const answer = await requestOnce(url, options, signal)
    const { statusCode = 0, headers } = answer
    if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
      answer.destroy()
      if (!URL.canParse(headers.location, url)) {
        throw new FetchError('not-found', `${url} leads to what is no address`)
      }
      url = new URL(headers.location, url).href
      continue
    }
    if (statusCode !== 200) {
      answer.destroy()
      throw new FetchError('not-found', `${url} answers with status ${statusCode}`)
    }
    const bytes = await readBody(answer, url, options, signal)
    const contentType = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    return { bytes, contentType }
  }
  throw new FetchError('too-many-redirects', `${address} leads on more than ${maxRedirects} times`)
}

/** What is sent along with a POST; without it the request is a GET. */
export interface PostedBody {
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One request to an address that was looked at, and no redirect followed. The caller reads the body
 * or destroys the answer.
 *
 * @throws {FetchError}
 */
export async function requestOnce(
  text: string,
  options: PublicFetchOptions,
  signal: AbortSignal,
  posted?: PostedBody,
): Promise<IncomingMessage> {
  const url = parse(text, options)
  const addresses = await publicAddresses(url, options, signal)
  const isEncrypted = url.protocol === 'https:'
  const { request } = isEncrypted ? https : http
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        // Those that were looked at, and no second look-up.
        lookup: (_host, _options, callback) => callback(null, [...addresses]),
        // No kept connections: one that another request opened was not looked at here.
        agent: false,
        signal,
        method: posted ? 'POST' : 'GET',
        headers: {
          accept: options.accept,
          // A small packed answer can be a huge one unpacked.
          'accept-encoding': 'identity',
          'user-agent': 'Propylaia',
          ...(posted && {
            'content-type': posted.contentType,
            'content-length': Buffer.byteLength(posted.body),
            ...posted.headers,
          }),
        },
        ...(isEncrypted && { ca: options.ca }),
      },
      resolve,
    )
    outgoing.on('error', (error) => reject(failure(error, text, signal)))
    // An answer 101 ends the connection with neither error nor answer, and the signal wakes nobody then.
    outgoing.on('close', () => {
      reject(failure(new Error('the connection ended without an answer'), text, signal))
    })
    outgoing.end(posted?.body)
  })
}

function parse(text: string, { allowLoopback, networks }: PublicFetchOptions): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.username !== '' || url.password !== '') {
    throw new FetchError('not-https', `"${text.slice(0, 200)}" is no https address`)
  }
  const mayBeLocal = allowLoopback && isLocalName(hostOf(url))
  if (url.protocol !== 'https:' && !(mayBeLocal && url.protocol === 'http:')) {
    throw new FetchError('not-https', `${url.protocol} is not https:`)
  }
  // Of named networks it is known only once the host has been looked up.
  if (!httpsPorts.has(url.port) && !allowLoopback && !networks) {
    throw new FetchError('not-public', `port ${url.port} is not 443 or 8443`)
  }
  return url
}

const isLocalName = (host: string) => host === 'localhost' || isLoopbackAddress(host)

/** Without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

async function publicAddresses(
  url: URL,
  options: PublicFetchOptions,
  signal: AbortSignal,
): Promise<LookupAddress[]> {
  const host = hostOf(url)
  const addresses = isIP(host) ? [host] : await resolveHost(host, options, signal)
  if (addresses.length === 0) throw new FetchError('unknown-host', `${host} has no address`)
  return addresses.map((address) => {
    if (isInNetworks(options.networks, address)) return { address, family: isIP(address) }
    if (!httpsPorts.has(url.port) && !options.allowLoopback) {
      throw new FetchError('not-public', `port ${url.port} is not 443 or 8443`)
    }
    const isAllowed =
      isPublicAddress(address) || (options.allowLoopback && isLoopbackAddress(address))
    // One that is not public among several is enough: next time it might be the one.
    if (!isAllowed) {
      throw new FetchError('not-public', `${host} has the address ${address}, which is not public`)
    }
    return { address, family: isIP(address) }
  })
}

async function resolveHost(
  host: string,
  { resolve = systemResolve }: PublicFetchOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // The system's resolver cannot be called off.
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    signal.throwIfAborted()
    return await Promise.race([resolve(host), late])
  } catch (error) {
    if (signal.aborted) throw failure(error, host, signal)
    throw new FetchError('unknown-host', `${host} is not known`, { cause: error })
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

/** @throws {FetchError} too-large, too-slow, unreachable, wrong-type */
export async function readBody(
  answer: IncomingMessage,
  url: string,
  { maxBytes }: PublicFetchOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    answer.destroy()
    throw new FetchError('wrong-type', `${url} is packed with ${encoding}, which was not asked for`)
  }
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) {
        throw new FetchError('too-large', `${url} has more than ${maxBytes} bytes`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof FetchError ? error : failure(error, url, signal)
  }
  return Buffer.concat(chunks)
}

function failure(cause: unknown, url: string, signal: AbortSignal): FetchError {
  return signal.aborted
    ? new FetchError('too-slow', `${url} took too long`, { cause })
    : new FetchError('unreachable', `${url}: ${(cause as Error).message}`, { cause })
}
