import { isSameCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { RecoveryAttempt } from './recovery.ts'
import { wrongCodeLimit } from './recovery-limits.ts'
import { changeRecovery, endRecovery, newProof, noteRecovery } from './recovery-store.ts'

export type CodeCheck =
  /** With what the browser's cookie needs from now on. */
  | { readonly outcome: 'right'; readonly proof: string }
  | { readonly outcome: 'wrong'; readonly triesLeft: number }
  /** The attempt has ended, or another tab has changed it: its page says what now. */
  | { readonly outcome: 'over' }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/**
 * Compares a code. A try is taken before, so that guesses sent at once get no extra ones; the fifth
 * wrong one ends the recovery, and so does a code that is too old. Where no code was sent, none is
 * right, after the same work.
 *
 * @param code six digits
 */
export async function checkCode(
  context: Pick<AppContext, 'now' | 'secrets'>,
  limiter: Limiter,
  attempt: RecoveryAttempt,
  code: string,
): Promise<CodeCheck> {
  const now = context.now()
  if (attempt.code && attempt.code.expiresAt <= now) {
    const set = { stoppedBy: 'ACCOUNT_CODE_EXPIRED' }
    await endRecovery(context, attempt, { event: 'code-expired', set })
    return { outcome: 'over' }
  }
  const limit = wrongCodeLimit(attempt)
  const minutes = await limiter.take(limit)
  if (minutes > 0) {
    await noteRecovery(context, attempt, 'throttled', 'wrong codes')
    return { outcome: 'throttled', minutes }
  }
  const tried = await changeRecovery(context, attempt, {
    when: { 'code.triesLeft': { $gt: 0 }, 'code.expiresAt': { $gt: now } },
    increment: { 'code.triesLeft': -1 },
  })
  if (!tried?.code) return { outcome: 'over' }
  if (!isSameCode(context, attempt._id, code, tried.code.hmac)) return wrongCode(context, tried)

  await limiter.giveBack(limit)
  const { proof, hash } = newProof(context, attempt)
  const proven = await changeRecovery(context, tried, {
    when: { 'code.hmac': tried.code.hmac },
    set: { step: 'password', proof: hash },
    unset: ['code'],
    event: 'code-right',
  })
  return proven ? { outcome: 'right', proof } : { outcome: 'over' }
}

async function wrongCode(
  context: Pick<AppContext, 'now'>,
  tried: RecoveryAttempt,
): Promise<CodeCheck> {
  const triesLeft = tried.code?.triesLeft ?? 0
  await noteRecovery(context, tried, 'code-wrong', `${triesLeft} tries left`)
  if (triesLeft > 0) return { outcome: 'wrong', triesLeft }
  const set = { stoppedBy: 'ACCOUNT_CODE_USED_UP' }
  await endRecovery(context, tried, { event: 'code-used-up', set })
  return { outcome: 'over' }
}
