import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { pageAttempts } from '../store/page-attempts.ts'
import type { AttemptKey } from '../web/attempt-cookie.ts'
import { createReference } from '../web/reference.ts'
import type { RecoveryAttempt, RecoveryEvent } from './recovery.ts'
import { RecoveryModel } from './recovery-model.ts'

type StoreContext = Pick<AppContext, 'secrets' | 'now'>

/** From the first form to the new password. */
const recoveryMinutes = 60
/** How long the helpdesk can ask what happened. */
const rememberedMs = 180 * 86_400_000
const recoveries = pageAttempts<RecoveryAttempt>({
  model: RecoveryModel,
  personal: ['contact', 'code'],
  expired: 'ACCOUNT_RECOVERY_EXPIRED',
})

export const {
  reload: reloadRecovery,
  change: changeRecovery,
  note: noteRecovery,
  end: endRecovery,
  endAbandoned: endAbandonedRecoveries,
} = recoveries

/** What a new attempt is made with, beside what the store gives it. */
export type RecoveryStart = Pick<
  RecoveryAttempt,
  | 'language'
  | 'usernameKey'
  | 'channel'
  | 'contact'
  | 'personId'
  | 'failure'
  | 'passwordChangedAt'
  | 'code'
  | 'flow'
>

/** A new browser's token, and the attempt's id that belongs to it. */
export function newRecoveryToken(context: StoreContext): { token: string; id: string } {
  const token = randomToken()
  return { token, id: recoveryId(context, token) }
}

/**
 * One write, whether a code goes out or not.
 *
 * @param id of newRecoveryToken()
 */
export async function startRecovery(
  context: StoreContext,
  id: string,
  start: RecoveryStart,
): Promise<RecoveryAttempt> {
  const now = context.now()
  const given = Object.entries(start).filter(([, value]) => value !== undefined)
  return recoveries.insert(() => ({
    ...(Object.fromEntries(given) as unknown as RecoveryStart),
    _id: id,
    reference: createReference(),
    step: 'code',
    startedAt: now,
    expiresAt: new Date(now.getTime() + recoveryMinutes * 60_000),
    forgottenAt: new Date(now.getTime() + rememberedMs),
    codesSent: 1,
    events: [{ at: now, name: 'asked', detail: start.channel }, sendingEvent(now, start.failure)],
  }))
}

/** What the history says of a code that was sent, or was not. */
export function sendingEvent(at: Date, failure: RecoveryAttempt['failure']): RecoveryEvent {
  return failure === undefined
    ? { at, name: 'code-sent' }
    : { at, name: 'code-not-sent', detail: failure }
}

/** @returns null when it is not this browser's, or was only before the right code */
export async function findRecovery(
  context: StoreContext,
  { token, proof = '' }: AttemptKey,
): Promise<RecoveryAttempt | null> {
  const attempt = await recoveries.find(recoveryId(context, token))
  if (attempt?.proof === undefined) return attempt
  return attempt.proof === proofHash(context, attempt, proof) ? attempt : null
}

/** What the right code adds to the browser's cookie, and its hash for the attempt. */
export function newProof(
  context: StoreContext,
  attempt: Pick<RecoveryAttempt, '_id'>,
): { proof: string; hash: string } {
  const proof = randomToken()
  return { proof, hash: proofHash(context, attempt, proof) }
}

function recoveryId(context: Pick<AppContext, 'secrets'>, token: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `recovery-attempt|${token}`).toString('hex')
}

function proofHash(
  context: Pick<AppContext, 'secrets'>,
  { _id }: Pick<RecoveryAttempt, '_id'>,
  proof: string,
): string {
  const text = `recovery-proof|${_id}|${proof}`
  return keyedHash(context.secrets.get('code-hmac'), text).toString('hex')
}
