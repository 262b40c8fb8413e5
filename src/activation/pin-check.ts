import { isSameCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import { randomToken } from '../keys/random-token.ts'
import type { Limiter } from '../limits/limiter.ts'
import { recipientsOf } from '../messages/recipients.ts'
import type { ActivationAttempt } from './attempt.ts'
import { changeAttempt, endAttempt, noteEvent, proofHash } from './attempt-store.ts'
import { wrongAnswerLimits } from './contact-limits.ts'
import { countStage } from './funnel.ts'

/** Wrong PINs for one number or mail address in a day, over all activations. */
const wrongPinsPerContact = 30

export type PinCheck =
  /** From here on the browser must show `proof` (AttemptKey). */
  | { readonly outcome: 'right'; readonly attempt: ActivationAttempt; readonly proof: string }
  | { readonly outcome: 'wrong'; readonly triesLeft: number }
  | { readonly outcome: 'expired' | 'used-up' | 'overtaken' }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/**
 * Compares a PIN. A try is taken before, so that guesses sent at once get no extra ones; the fifth
 * wrong one ends the activation, and so does a PIN that is too old.
 *
 * @param pin six digits, or undefined for anything else, which costs no try
 */
export async function checkPin(
  context: Pick<AppContext, 'now' | 'secrets'>,
  limiter: Limiter,
  attempt: ActivationAttempt,
  pin: string,
): Promise<PinCheck> {
  const now = context.now()
  if (attempt.pin && attempt.pin.expiresAt <= now) {
    await endAttempt(context, attempt, {
      event: 'pin-expired',
      set: { stoppedBy: 'ACTIVATION_PIN_EXPIRED' },
    })
    return { outcome: 'expired' }
  }
  const limits = wrongAnswerLimits(attempt, 'activation-pin-wrong', wrongPinsPerContact)
  const minutes = await limiter.takeAll(limits)
  if (minutes > 0) {
    await noteEvent(context, attempt, 'throttled', 'wrong PINs for this contact')
    return { outcome: 'throttled', minutes }
  }
  const tried = await changeAttempt(context, attempt, {
    when: { 'pin.triesLeft': { $gt: 0 }, 'pin.expiresAt': { $gt: now } },
    increment: { 'pin.triesLeft': -1 },
  })
  if (!tried?.pin) return { outcome: 'overtaken' }
  if (!isSameCode(context, attempt._id, pin, tried.pin.hmac)) return wrongPin(context, tried)

  await Promise.all(limits.map((limit) => limiter.giveBack(limit)))
  const proof = randomToken()
  const proven = await changeAttempt(context, tried, {
    when: { 'pin.hmac': tried.pin.hmac },
    set: {
      step: 'fact',
      proof: proofHash(context, proof),
      // Which of the two messages it was read in cannot be told; with two, either may be the one.
      proven: recipientsOf(attempt).map(({ channel }) => channel),
    },
    unset: ['pin'],
    event: 'pin-right',
  })
  if (!proven) return { outcome: 'overtaken' }
  if (attempt.role) await countStage('pinRight', attempt.role, now)
  return { outcome: 'right', attempt: proven, proof }
}

async function wrongPin(
  context: Pick<AppContext, 'now'>,
  tried: ActivationAttempt,
): Promise<PinCheck> {
  const triesLeft = tried.pin?.triesLeft ?? 0
  await noteEvent(context, tried, 'pin-wrong', `${triesLeft} tries left`)
  if (triesLeft > 0) return { outcome: 'wrong', triesLeft }
  await endAttempt(context, tried, {
    event: 'pin-used-up',
    set: { stoppedBy: 'ACTIVATION_PIN_USED_UP' },
  })
  return { outcome: 'used-up' }
}
