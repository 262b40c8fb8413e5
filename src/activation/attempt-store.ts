import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { pageAttempts } from '../store/page-attempts.ts'
import type { AttemptKey } from '../web/attempt-cookie.ts'
import type { Language } from '../web/language.ts'
import { createReference } from '../web/reference.ts'
import type { ActivationAttempt } from './attempt.ts'
import { AttemptModel } from './attempt-model.ts'

type StoreContext = Pick<AppContext, 'config' | 'secrets' | 'now'>

/** How long the helpdesk can ask what happened. */
const rememberedMs = 180 * 86_400_000

const attempts = pageAttempts<ActivationAttempt>({
  model: AttemptModel,
  personal: ['mobile', 'email', 'candidates', 'pin', 'number'],
  expired: 'ACTIVATION_EXPIRED',
})

export const {
  reload: reloadAttempt,
  change: changeAttempt,
  note: noteEvent,
  end: endAttempt,
  endAbandoned: endAbandonedAttempts,
} = attempts

/** @returns the new attempt and the token that ties it to the browser */
export async function startAttempt(
  context: StoreContext,
  start: { language: Language; flow?: string },
): Promise<{ attempt: ActivationAttempt; token: string }> {
  const now = context.now()
  const token = randomToken()
  const attempt = await attempts.insert(() => ({
    _id: attemptId(context, token),
    reference: createReference(),
    step: 'role',
    language: start.language,
    startedAt: now,
    expiresAt: new Date(now.getTime() + context.config.activationMinutes * 60_000),
    forgottenAt: new Date(now.getTime() + rememberedMs),
    ...(start.flow === undefined ? {} : { flow: start.flow }),
    events: [{ at: now, name: 'started' }],
  }))
  return { attempt, token }
}

/**
 * @param key out of the browser's cookie
 * @returns null when it is not this browser's, or was only before the right PIN
 */
export async function findAttempt(
  context: StoreContext,
  { token, proof }: AttemptKey,
): Promise<ActivationAttempt | null> {
  const attempt = await attempts.find(attemptId(context, token))
  const expected = proof === undefined ? undefined : proofHash(context, proof)
  return attempt?.proof === expected ? attempt : null
}

/** What the attempt keeps of the cookie's second part. */
export function proofHash(context: Pick<AppContext, 'secrets'>, proof: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `activation-proof|${proof}`).toString('hex')
}

function attemptId(context: Pick<AppContext, 'secrets'>, token: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `activation|${token}`).toString('hex')
}
