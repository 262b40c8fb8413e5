import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { IdpError } from '../../errors.ts'
import { isLoopbackUrl, isWebUrl } from '../metadata-text.ts'

const maxRedirects = 5
/** Until the answer begins. Milliseconds. */
const answerTimeoutMs = 30_000

export interface Download {
  readonly url: string
  readonly etag?: string
  readonly lastModified?: string
  /** Of the metadata after decompression. */
  readonly maxBytes: number
  /** For all of it. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface DownloadedHead {
  readonly status: number
  readonly etag?: string
  readonly lastModified?: string
  /** Of Cache-Control, when it has one. */
  readonly maxAgeSeconds?: number
}

/** Metadata comes over https; http only from this machine, for tests and proxies on it. */
export function isFetchableUrl(url: string): boolean {
  return isWebUrl(url) && (url.startsWith('https:') || isLoopbackUrl(url))
}

/**
 * Fetches metadata, asking only for what changed when an ETag or Last-Modified is given; follows
 * 301, 302, 307 and 308 to https (fedinterop IIP-MD02). What comes is not verified.
 *
 * @param onChunk gets the decompressed body piece by piece, of a 200 only
 * @throws {IdpError} METADATA_UNREACHABLE for anything but 200, 304 and 404
 */
export async function download(
  request: Download,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
): Promise<DownloadedHead> {
  const controller = new AbortController()
  const abort = (why: string) => controller.abort(new Error(why))
  const onAbort = () => abort('it is given up')
  request.signal?.addEventListener('abort', onAbort)
  if (request.signal?.aborted) onAbort()
  const total = setTimeout(abort, request.timeoutMs, `it took over ${request.timeoutMs / 1000} s`)
  try {
    const response = await follow(request, controller.signal, abort)
    const { status, headers } = response
    const maxAge = /(?:^|[,\s])max-age=(\d{1,9})/i.exec(headers.get('cache-control') ?? '')?.[1]
    const head: DownloadedHead = {
      status,
      etag: shortHeader(headers.get('etag')),
      lastModified: shortHeader(headers.get('last-modified')),
      maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    }
    if (status !== 200) {
      await response.body?.cancel()
      if (status === 304 || status === 404) return head
      throw new Error(`the server answers ${status}`)
    }
    let length = 0
    for await (const chunk of response.body ?? []) {
      length += chunk.length
      if (length > request.maxBytes) throw new Error(`it is larger than ${request.maxBytes} bytes`)
      await onChunk(chunk)
    }
    return head
  } catch (error) {
    const reason = controller.signal.aborted ? controller.signal.reason : error
    const { cause, message } = reason as Error
    throw new IdpError(
      'METADATA_UNREACHABLE',
      `${request.url} cannot be fetched: ${cause instanceof Error ? cause.message : message}`,
      { status: 503, cause: error },
    )
  } finally {
    clearTimeout(total)
    request.signal?.removeEventListener('abort', onAbort)
    controller.abort()
  }
}

async function follow(request: Download, signal: AbortSignal, abort: (why: string) => void) {
  let { url } = request
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    if (!isFetchableUrl(url)) throw new Error(`"${url.slice(0, 200)}" is not an https address`)
    const answer = setTimeout(abort, answerTimeoutMs, `no answer in ${answerTimeoutMs / 1000} s`)
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers: {
        accept: 'application/samlmetadata+xml, application/xml, text/xml',
        'accept-charset': 'utf-8',
        ...(request.etag !== undefined && { 'if-none-match': request.etag }),
        ...(request.lastModified !== undefined && { 'if-modified-since': request.lastModified }),
      },
    }).finally(() => clearTimeout(answer))
    if (![301, 302, 307, 308].includes(response.status)) return response
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (!location || !URL.canParse(location, url)) throw new Error('it redirects to nowhere')
    const next = new URL(location, url).href
    // From the open network into this machine: only somebody already here may name it.
    if (isLoopbackUrl(next) && !isLoopbackUrl(url)) throw new Error('it redirects to this machine')
    url = next
  }
  throw new Error(`more than ${maxRedirects} redirects`)
}

/** Headers are kept and sent again: nobody needs long ones. */
function shortHeader(value: string | null): string | undefined {
  return value !== null && value.length <= 512 ? value : undefined
}

/** download() into a file. */
export async function downloadToFile(request: Download, file: string): Promise<DownloadedHead> {
  const output = createWriteStream(file, { mode: 0o600 })
  // A write that fails (a full disk) must not be an uncaught error.
  const failed = new Promise<never>((_resolve, reject) => output.once('error', reject))
  failed.catch(() => undefined)
  try {
    return await download(request, async (chunk) => {
      if (!output.write(chunk)) await Promise.race([once(output, 'drain'), failed])
    })
  } finally {
    const finished = new Promise<void>((resolve) => output.end(() => resolve()))
    await Promise.race([finished, failed])
  }
}
