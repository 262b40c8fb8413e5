import type { Limit } from '../limits/limiter.ts'
import { recipientsOf } from '../messages/recipients.ts'
import type { ActivationAttempt } from './attempt.ts'

const dayMs = 24 * 60 * 60_000

/** So many wrong answers of one kind in a day for each contact of the attempt, over all activations. */
export function wrongAnswerLimits(
  attempt: Pick<ActivationAttempt, 'mobile' | 'email'>,
  name: string,
  max: number,
): Limit[] {
  return recipientsOf(attempt).map(({ to }) => ({ name, subject: to, max, windowMs: dayMs }))
}
