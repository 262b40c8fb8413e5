import type { AppContext } from '../context.ts'
import type { Limit, Limiter } from '../limits/limiter.ts'
import type { RecoveryAttempt } from './recovery.ts'

const quarterMs = 15 * 60_000
const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

/**
 * From one network, for one username, whatever the contact, and for one contact, whatever the
 * username. Not from all together: whoever knows only the one would keep its owner from recovering.
 */
const requestsPerUsername = 20
const requestsPerContact = 20
/** Wrong codes for one username and contact in a day, over all recoveries. */
const wrongCodesPerDay = 30

type Asked = Pick<RecoveryAttempt, 'usernameKey' | 'contact'>

/**
 * Counts a wish for a code. All of it is counted by what was typed, so it is the same whether there
 * is such an account or not.
 *
 * @returns minutes to wait, 0 when the code may go out
 */
export function takeRequest(
  { config }: Pick<AppContext, 'config'>,
  limiter: Limiter,
  asked: Asked,
  network: string,
): Promise<number> {
  const limit = (name: string, subject: string, max: number, windowMs: number): Limit => ({
    name: `recovery-${name}`,
    subject,
    max,
    windowMs,
  })
  const { usernameKey, contact = '' } = asked
  const { recoveryRequestsPerAddress: perNetwork, recoveryCodesPerContact: perHour } = config
  // The network first: one that is stopped does not use up somebody's tries.
  return limiter.takeAll([
    limit('network', network, perNetwork, quarterMs),
    limit('pair-hour', pairOf(asked), perHour, hourMs),
    limit('pair-day', pairOf(asked), perHour * 3, dayMs),
    limit('username', `${network}|${usernameKey}`, requestsPerUsername, hourMs),
    limit('contact', `${network}|${contact}`, requestsPerContact, hourMs),
  ])
}

/** Wrong codes; take() before the code is compared, giveBack() when it was right. */
export function wrongCodeLimit(asked: Asked): Limit {
  return {
    name: 'recovery-code-wrong',
    subject: pairOf(asked),
    max: wrongCodesPerDay,
    windowMs: dayMs,
  }
}

function pairOf({ usernameKey, contact = '' }: Asked): string {
  return `${usernameKey}|${contact}`
}
