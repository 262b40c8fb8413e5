/** Before the second try, the third, … Greylisting wants one to five minutes of patience. */
const delaysMs = [5, 15, 60, 120, 180].map((seconds) => seconds * 1000)

/** A message that was not accepted by then has failed. */
const patienceMs = 10 * 60_000

/** When a message is given up: after ten minutes, or before when nobody needs it any more. */
export function giveUpAt(createdAt: Date, validUntil: Date | undefined): Date {
  const last = new Date(createdAt.getTime() + patienceMs)
  return validUntil && validUntil < last ? validUntil : last
}

/**
 * @param tries made so far, at least one
 * @param askedMs what the other side asked for (Retry-After)
 * @returns when to try again; undefined when that would be too late
 */
export function nextTryAt(
  tries: number,
  now: Date,
  last: Date,
  askedMs: number | undefined,
): Date | undefined {
  const delayMs = delaysMs[Math.min(tries, delaysMs.length) - 1] as number
  const next = new Date(now.getTime() + Math.max(delayMs, askedMs ?? 0))
  return next < last ? next : undefined
}

/**
 * Retry-After: seconds or a date (RFC 9110 10.2.3).
 *
 * @returns milliseconds from `now`, undefined when absent or neither
 */
export function readRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}
