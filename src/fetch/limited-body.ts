/** A body was longer than any right answer. */
export class BodyTooLong extends Error {
  override readonly name = 'BodyTooLong'
}

/**
 * The body as text; what goes on for longer is not read.
 *
 * @throws {BodyTooLong}
 */
export async function readLimitedBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new BodyTooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Why a request came to nothing, in words of ours alone: errors of fetch may quote the address, and
 * an address may hold a number or a key.
 */
export function fetchFailure(
  error: unknown,
  { maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs: number },
): string {
  if (error instanceof BodyTooLong) return `an answer of more than ${maxBytes} bytes`
  const { name, cause } = error as Error
  if (name === 'AbortError') return 'this process stopped meanwhile'
  if (name === 'TimeoutError') return `nothing within ${timeoutMs} ms`
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^[A-Z_]+$/.test(code) ? code : 'the connection failed'
}
