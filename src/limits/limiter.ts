import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { upsertAgain } from '../store/duplicate-key.ts'
import { ThrottleModel } from './throttle-model.ts'

/** So many uses of one thing by one subject in one window of time. */
export interface Limit {
  /** What is counted, e.g. `pin-contact`. */
  readonly name: string
  /** By whom or for whom: an address, a telephone number. Kept as a keyed hash only. */
  readonly subject: string
  readonly max: number
  readonly windowMs: number
}

export interface Limiter {
  /**
   * Counts one use, before what is limited is done, so that uses sent at once get no more than
   * uses in a row.
   *
   * @returns 0 when allowed, else the minutes until the window ends
   */
  take(limit: Limit): Promise<number>
  /**
   * One use of each, or of none: what the first limit refuses does not use up the next.
   *
   * @returns 0 when all allow it, else the minutes to wait
   */
  takeAll(limits: readonly Limit[]): Promise<number>
  /** The same question without counting. */
  waitFor(limit: Limit): Promise<number>
  /** Takes back one use that turned out not to count. */
  giveBack(limit: Limit): Promise<void>
  clear(limit: Limit): Promise<void>
}

/** Counters in the store, shared by all workers and machines, in fixed windows of time. */
export function openLimiter(context: Pick<AppContext, 'secrets' | 'now'>): Limiter {
  const { secrets, now } = context

  function keyOf({ name, subject, windowMs }: Limit): string {
    const window = Math.floor(now().getTime() / windowMs)
    const hash = keyedHash(secrets.get('code-hmac'), `limit|${name}|${subject}`)
    return `${name}:${hash.toString('base64url')}:${window}`
  }

  const minutesLeft = ({ windowMs }: Limit) =>
    Math.ceil((windowMs - (now().getTime() % windowMs)) / 60_000)

  async function take(limit: Limit): Promise<number> {
    const record = await upsertAgain(() =>
      ThrottleModel.findOneAndUpdate(
        { _id: keyOf(limit) },
        {
          $inc: { failures: 1 },
          $setOnInsert: { expiresAt: new Date(now().getTime() + limit.windowMs) },
        },
        { upsert: true, returnDocument: 'after' },
      ).lean(),
    )
    return (record?.failures ?? 1) > limit.max ? minutesLeft(limit) : 0
  }

  async function giveBack(limit: Limit): Promise<void> {
    await ThrottleModel.updateOne({ _id: keyOf(limit) }, { $inc: { failures: -1 } })
  }

  return {
    take,
    async takeAll(limits) {
      for (const [index, limit] of limits.entries()) {
        const minutes = await take(limit)
        if (minutes === 0) continue
        await Promise.all(limits.slice(0, index).map(giveBack))
        return minutes
      }
      return 0
    },
    async waitFor(limit) {
      const record = await ThrottleModel.findById(keyOf(limit)).lean()
      return (record?.failures ?? 0) >= limit.max ? minutesLeft(limit) : 0
    },
    giveBack,
    async clear(limit) {
      await ThrottleModel.deleteOne({ _id: keyOf(limit) })
    },
  }
}
