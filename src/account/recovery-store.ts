import type { mongo } from 'mongoose'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import type { AttemptKey } from '../web/attempt-cookie.ts'
import { createReference } from '../web/reference.ts'
import type { RecoveryAttempt, RecoveryEvent, RecoveryEventName } from './recovery.ts'
import { RecoveryModel } from './recovery-model.ts'

type StoreContext = Pick<AppContext, 'secrets' | 'now'>

/** From the first form to the new password. */
const recoveryMinutes = 60
/** How long the helpdesk can ask what happened. */
const rememberedMs = 180 * 86_400_000
/** Of the newest events; a recovery that makes more is somebody playing. */
const maxEvents = 100
const maxReferenceTries = 5

/** What an attempt holds of the person only while it is under way. */
const personalFields = { contact: '', code: '' } as const

const recoveries = () => RecoveryModel.collection as unknown as mongo.Collection<RecoveryAttempt>

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
  for (let attemptNumber = 1; ; attemptNumber++) {
    const attempt: RecoveryAttempt = {
      ...(Object.fromEntries(given) as unknown as RecoveryStart),
      _id: id,
      reference: createReference(),
      step: 'code',
      startedAt: now,
      expiresAt: new Date(now.getTime() + recoveryMinutes * 60_000),
      forgottenAt: new Date(now.getTime() + rememberedMs),
      codesSent: 1,
      events: [{ at: now, name: 'asked', detail: start.channel }, sendingEvent(now, start.failure)],
    }
    try {
      await recoveries().insertOne(attempt)
      return attempt
    } catch (error) {
      // The reference is short, so one day two are alike.
      if (!isDuplicateKey(error) || attemptNumber === maxReferenceTries) throw error
    }
  }
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
  const attempt = await recoveries().findOne({ _id: recoveryId(context, token) })
  if (attempt?.proof === undefined) return attempt
  return attempt.proof === proofHash(context, attempt, proof) ? attempt : null
}

/** As the store has it now. */
export function reloadRecovery({
  _id,
}: Pick<RecoveryAttempt, '_id'>): Promise<RecoveryAttempt | null> {
  return recoveries().findOne({ _id })
}

/** What the right code adds to the browser's cookie, and its hash for the attempt. */
export function newProof(
  context: StoreContext,
  attempt: Pick<RecoveryAttempt, '_id'>,
): { proof: string; hash: string } {
  const proof = randomToken()
  return { proof, hash: proofHash(context, attempt, proof) }
}

/** Whether pages of the attempt may still be used. */
export function isLive(attempt: RecoveryAttempt, now: Date): boolean {
  return attempt.endedAt === undefined && attempt.expiresAt > now
}

type Changes = Partial<Omit<RecoveryAttempt, '_id' | 'events'>>

/**
 * Changes a live attempt if it still stands at the step it was read at: of two tabs only one goes on.
 *
 * @returns the attempt after the change, or null when it was not changed
 */
export function changeRecovery(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<RecoveryAttempt, '_id' | 'step'>,
  change: {
    /** Also required of the stored attempt, beside being live and at that step. */
    readonly when?: mongo.Filter<RecoveryAttempt>
    readonly set?: Changes
    readonly unset?: readonly (keyof Changes)[]
    readonly increment?: Record<string, number>
    readonly event?: Omit<RecoveryEvent, 'at'>
  },
): Promise<RecoveryAttempt | null> {
  const now = context.now()
  const { set = {}, unset = [], increment, event } = change
  return recoveries().findOneAndUpdate(
    {
      _id: attempt._id,
      step: attempt.step,
      endedAt: { $exists: false },
      expiresAt: { $gt: now },
      ...change.when,
    } as mongo.Filter<RecoveryAttempt>,
    {
      ...(Object.keys(set).length > 0 ? { $set: set } : {}),
      ...(unset.length > 0 ? { $unset: Object.fromEntries(unset.map((name) => [name, ''])) } : {}),
      ...(increment ? { $inc: increment } : {}),
      ...(event ? pushEvent({ at: now, ...event }) : {}),
    } as mongo.UpdateFilter<RecoveryAttempt>,
    { returnDocument: 'after' },
  )
}

/** Notes something in the history, whatever the attempt's state. */
export async function noteRecovery(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<RecoveryAttempt, '_id'>,
  name: RecoveryEventName,
  detail?: string,
): Promise<void> {
  await recoveries().updateOne({ _id: attempt._id }, pushEvent(eventOf(context, name, detail)))
}

/**
 * Ends an attempt, if it is not ended: what it held of the person goes, the history stays.
 *
 * @returns whether this call ended it
 */
export async function endRecovery(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<RecoveryAttempt, '_id'>,
  end: { event: RecoveryEventName; detail?: string; set?: Changes },
): Promise<boolean> {
  const event = eventOf(context, end.event, end.detail)
  const { matchedCount } = await recoveries().updateOne(
    { _id: attempt._id, endedAt: { $exists: false } },
    {
      $set: { endedAt: event.at, ...end.set },
      $unset: personalFields,
      ...pushEvent(event),
    } as mongo.UpdateFilter<RecoveryAttempt>,
  )
  return matchedCount === 1
}

/**
 * Ends recoveries that nobody came back to, as endRecovery does.
 *
 * @param since those that expired before have been ended
 * @returns how many
 */
export async function endAbandonedRecoveries(since: Date, now: Date): Promise<number> {
  const { modifiedCount } = await recoveries().updateMany(
    { expiresAt: { $gt: since, $lte: now }, endedAt: { $exists: false } },
    {
      $set: { endedAt: now, stoppedBy: 'ACCOUNT_RECOVERY_EXPIRED' },
      $unset: personalFields,
      ...pushEvent({ at: now, name: 'stopped', detail: 'ACCOUNT_RECOVERY_EXPIRED' }),
    } as mongo.UpdateFilter<RecoveryAttempt>,
  )
  return modifiedCount
}

function eventOf(
  context: Pick<AppContext, 'now'>,
  name: RecoveryEventName,
  detail: string | undefined,
): RecoveryEvent {
  return { at: context.now(), name, ...(detail === undefined ? {} : { detail }) }
}

function pushEvent(event: RecoveryEvent): mongo.UpdateFilter<RecoveryAttempt> {
  return {
    $push: { events: { $each: [event], $slice: -maxEvents } },
  } as mongo.UpdateFilter<RecoveryAttempt>
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
