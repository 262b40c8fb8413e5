import { type Carrier, isCertificateProblem, type Outcome, type Parcel } from './carrier.ts'
import { readRetryAfter } from './retry.ts'

/** How long the gateway may take for one try. Milliseconds. */
const answerMs = 10_000

const phoneNumber = /^\+[1-9]\d{6,14}$/

/** A gateway that hangs must not cost a connection for every waiting message. */
const requestsAtATime = 20

/**
 * SMS through an HTTP gateway (docs/operation.md, "Messages"): `POST {to, text, reference}` with a
 * bearer token and an Idempotency-Key that is the same at every try. 2xx: accepted, whatever the
 * body; 429 and 5xx: later; anything else, a redirect too: refused, because the token and the PIN
 * go to the address that was configured and to no other.
 */
export function openSmsGateway(
  gateway: { readonly url: string; readonly token: string },
  options: { readonly timeoutMs?: number; readonly now?: () => Date } = {},
): Carrier {
  const timeoutMs = options.timeoutMs ?? answerMs
  const now = options.now ?? (() => new Date())
  const closing = new AbortController()

  async function post(parcel: Parcel): Promise<Outcome> {
    if (!phoneNumber.test(parcel.to)) return { result: 'refused', reason: 'not an E.164 number' }
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(gateway.url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([timeout, closing.signal]),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': parcel.id,
          ...(gateway.token ? { authorization: `Bearer ${gateway.token}` } : {}),
        },
        body: JSON.stringify({
          to: parcel.to,
          text: parcel.text,
          reference: parcel.reference ?? parcel.id,
        }),
      })
      // Nothing in it is needed, it may be of any length, and the status stands if it breaks off.
      response.body?.cancel().catch(() => {})
      return judge(response, now())
    } catch (error) {
      if (timeout.aborted)
        return { result: 'retry', reason: `no answer in ${timeoutMs / 1000} seconds` }
      const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
      const reason = cause?.message || (error as Error).message
      return { result: isCertificateProblem(cause?.code) ? 'refused' : 'retry', reason }
    }
  }

  return {
    turns: requestsAtATime,
    carry: post,
    close: () => closing.abort(),
  }
}

function judge(response: Response, now: Date): Outcome {
  const { status } = response
  if (status >= 200 && status < 300) return { result: 'accepted' }
  // The status alone: a body may repeat what we sent.
  const reason = `HTTP ${status}`
  if (status !== 429 && status < 500) return { result: 'refused', reason }
  const afterMs = readRetryAfter(response.headers.get('retry-after'), now)
  return { result: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) }
}
