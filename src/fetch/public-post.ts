import { type PostedBody, type PublicFetchOptions, readBody, requestOnce } from './public-fetch.ts'

export interface PublicPostOptions extends PublicFetchOptions {
  /** Gives up earlier than `timeoutMs`. */
  readonly signal?: AbortSignal
  /** The status is all that matters: no byte of the body is read. */
  readonly statusOnly?: boolean
}

export interface PostAnswer {
  readonly status: number
  readonly bytes: Buffer
  /** Without parameters, in lower case; empty when the server says none. */
  readonly contentType: string
}

/**
 * Posts to an address that a stranger named, under the same rules as fetchPublic(): https and public
 * addresses only. The answer is whatever comes, errors included. A redirect is an answer and not
 * followed: what is sent is meant for the registered address alone.
 *
 * @throws {FetchError} when no whole answer came in time
 */
export async function postPublic(
  address: string,
  posted: PostedBody,
  options: PublicPostOptions,
): Promise<PostAnswer> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
  const answer = await requestOnce(address, options, signal, posted)
  if (options.statusOnly) answer.destroy()
  const bytes = options.statusOnly
    ? Buffer.alloc(0)
    : await readBody(answer, address, options, signal)
  const contentType = (answer.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  return { status: answer.statusCode ?? 0, bytes, contentType }
}
