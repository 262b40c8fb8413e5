import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { networkOf } from '../limits/network.ts'
import { ThrottleModel } from '../limits/throttle-model.ts'
import { upsertAgain } from '../store/duplicate-key.ts'

const windowMs = 15 * 60_000

export interface LoginAttempt {
  /** As typed and normalised; counted whether or not such an account exists. */
  readonly username: string
  readonly address: string
  /** A browser on which this username signed in before, else undefined. */
  readonly knownDevice?: string
}

interface Counter {
  readonly key: string
  readonly limit: number
}

export interface LoginThrottle {
  /** Minutes to wait, or 0 when the try may go ahead. */
  minutesToWait(attempt: LoginAttempt): Promise<number>
  recordFailure(attempt: LoginAttempt): Promise<void>
  recordSuccess(attempt: LoginAttempt): Promise<void>
}

/**
 * Counts failed tries in the store, per account and per address, in windows of 15 minutes. Right
 * passwords count nothing. A browser on which the person signed in before has a counter of its own
 * instead of the account's, so that a stranger's guesses do not lock the owner out (OWASP: device
 * cookies).
 */
export function loginThrottle(
  context: Pick<AppContext, 'config' | 'secrets' | 'now'>,
): LoginThrottle {
  const { config, secrets, now } = context

  function counters(attempt: LoginAttempt): Counter[] {
    const window = Math.floor(now().getTime() / windowMs)
    // Hashed: people type passwords into the username field. Marked: what somebody types must not
    // give the hash that a known device carries.
    const hash = (text: string) =>
      keyedHash(secrets.get('code-hmac'), `throttle|${text}`).toString('base64url')
    const who = attempt.knownDevice
      ? `device:${hash(attempt.knownDevice)}`
      : `account:${hash(attempt.username)}`
    return [
      { key: `${who}:${window}`, limit: config.loginTriesPerAccount },
      {
        key: `address:${hash(networkOf(attempt.address))}:${window}`,
        limit: config.loginTriesPerAddress,
      },
    ]
  }

  return {
    async minutesToWait(attempt) {
      const wanted = counters(attempt)
      const found = await ThrottleModel.find({ _id: { $in: wanted.map(({ key }) => key) } }).lean()
      const isOver = wanted.some(
        ({ key, limit }) => (found.find((record) => record._id === key)?.failures ?? 0) >= limit,
      )
      return isOver ? Math.ceil((windowMs - (now().getTime() % windowMs)) / 60_000) : 0
    },
    async recordFailure(attempt) {
      const expiresAt = new Date(now().getTime() + windowMs)
      await Promise.all(counters(attempt).map(({ key }) => countOne(key, expiresAt)))
    },
    async recordSuccess(attempt) {
      // Only the account's: else an attacker's own sign-in would clear the address.
      const [account] = counters(attempt)
      await ThrottleModel.deleteOne({ _id: (account as Counter).key })
    },
  }
}

async function countOne(key: string, expiresAt: Date): Promise<void> {
  await upsertAgain(() =>
    ThrottleModel.updateOne(
      { _id: key },
      { $inc: { failures: 1 }, $setOnInsert: { expiresAt } },
      { upsert: true },
    ),
  )
}
