const minute = 60_000
/** Where an aggregate says nothing. eduGAIN advises 1 to 6 hours. */
const usualMs = 6 * 60 * minute
const shortestMs = 10 * minute
const longestMs = 24 * 60 * minute
const longestBackOffMs = 60 * minute

/**
 * When to fetch an aggregate again: after its cacheDuration, and well before its validUntil; after
 * failures sooner, but less and less often. Spread by a tenth, so that not all identity providers
 * of a federation come at once.
 *
 * @param random between 0 and 1
 */
export function nextRefresh(
  state: {
    readonly now: Date
    readonly validUntil?: Date
    readonly cacheDurationSeconds?: number
    /** In a row; 0 after a success. */
    readonly failures: number
  },
  random: () => number = Math.random,
): Date {
  const { now, validUntil, cacheDurationSeconds, failures } = state
  let afterMs = cacheDurationSeconds === undefined ? usualMs : cacheDurationSeconds * 1000
  if (validUntil) afterMs = Math.min(afterMs, (validUntil.getTime() - now.getTime()) / 2)
  afterMs = Math.min(Math.max(afterMs, shortestMs), longestMs)
  if (failures > 0) {
    const backOffMs = Math.min(minute * 2 ** (failures - 1), longestBackOffMs)
    afterMs = Math.min(afterMs, backOffMs)
  }
  return new Date(now.getTime() + afterMs * (0.9 + 0.2 * random()))
}
