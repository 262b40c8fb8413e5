import type { mongo } from 'mongoose'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import type { AttemptKey } from '../web/attempt-cookie.ts'
import type { Language } from '../web/language.ts'
import { createReference } from '../web/reference.ts'
import type { ActivationAttempt, ActivationEventName } from './attempt.ts'
import { AttemptModel } from './attempt-model.ts'

type StoreContext = Pick<AppContext, 'config' | 'secrets' | 'now'>

/** How long the helpdesk can ask what happened. */
const rememberedMs = 180 * 86_400_000
/** Of the newest events; an attempt that makes more is somebody playing. */
const maxEvents = 100
const maxReferenceTries = 5

/** What an attempt holds of the person only while it is under way. */
const personalFields = { mobile: '', email: '', candidates: '', pin: '', number: '' } as const

const attempts = () => AttemptModel.collection as unknown as mongo.Collection<ActivationAttempt>

/** @returns the new attempt and the token that ties it to the browser */
export async function startAttempt(
  context: StoreContext,
  start: { language: Language; flow?: string },
): Promise<{ attempt: ActivationAttempt; token: string }> {
  const now = context.now()
  const token = randomToken()
  for (let attemptNumber = 1; ; attemptNumber++) {
    const attempt: ActivationAttempt = {
      _id: attemptId(context, token),
      reference: createReference(),
      step: 'role',
      language: start.language,
      startedAt: now,
      expiresAt: new Date(now.getTime() + context.config.activationMinutes * 60_000),
      forgottenAt: new Date(now.getTime() + rememberedMs),
      ...(start.flow === undefined ? {} : { flow: start.flow }),
      events: [{ at: now, name: 'started' }],
    }
    try {
      await attempts().insertOne(attempt)
      return { attempt, token }
    } catch (error) {
      // The reference is short, so one day two are alike.
      if (!isDuplicateKey(error) || attemptNumber === maxReferenceTries) throw error
    }
  }
}

/** @param key out of the browser's cookie */
export function findAttempt(
  context: StoreContext,
  { token, proof }: AttemptKey,
): Promise<ActivationAttempt | null> {
  return attempts().findOne({
    _id: attemptId(context, token),
    proof: proof === undefined ? { $exists: false } : proofHash(context, proof),
  })
}

/** The attempt as the store has it now. */
export function reloadAttempt({
  _id,
}: Pick<ActivationAttempt, '_id'>): Promise<ActivationAttempt | null> {
  return attempts().findOne({ _id })
}

/** Whether pages of the attempt may still be used. */
export function isLive(attempt: ActivationAttempt, now: Date): boolean {
  return attempt.endedAt === undefined && attempt.expiresAt > now
}

type Changes = Partial<Omit<ActivationAttempt, '_id' | 'events'>>

interface Change {
  /** Also required of the stored attempt, beside being live and at the step it was read at. */
  readonly when?: mongo.Filter<ActivationAttempt>
  readonly set?: Changes
  readonly unset?: readonly (keyof Changes)[]
  readonly increment?: Record<string, number>
  readonly event?: ActivationEventName
  readonly detail?: string
}

/**
 * Changes a live attempt if it still stands at the step it was read at: of two tabs only one goes on.
 *
 * @returns the attempt after the change, or null when it was not changed
 */
export function changeAttempt(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<ActivationAttempt, '_id' | 'step'>,
  change: Change,
): Promise<ActivationAttempt | null> {
  const now = context.now()
  const { set = {}, unset = [], increment, event, detail } = change
  return attempts().findOneAndUpdate(
    {
      _id: attempt._id,
      step: attempt.step,
      endedAt: { $exists: false },
      expiresAt: { $gt: now },
      ...change.when,
    } as mongo.Filter<ActivationAttempt>,
    {
      ...(Object.keys(set).length > 0 ? { $set: set } : {}),
      ...(unset.length > 0 ? { $unset: Object.fromEntries(unset.map((name) => [name, ''])) } : {}),
      ...(increment ? { $inc: increment } : {}),
      ...(event ? pushEvent(now, event, detail) : {}),
    } as mongo.UpdateFilter<ActivationAttempt>,
    { returnDocument: 'after' },
  )
}

/** Notes something in the history, whatever the attempt's state. */
export async function noteEvent(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<ActivationAttempt, '_id'>,
  event: ActivationEventName,
  detail?: string,
): Promise<void> {
  await attempts().updateOne(
    { _id: attempt._id },
    pushEvent(context.now(), event, detail) as mongo.UpdateFilter<ActivationAttempt>,
  )
}

/**
 * Ends an attempt, if it is not ended: what it held of the person goes, the history stays.
 *
 * @returns whether this call ended it
 */
export async function endAttempt(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<ActivationAttempt, '_id'>,
  end: { event: ActivationEventName; detail?: string; set?: Changes },
): Promise<boolean> {
  const now = context.now()
  const { matchedCount } = await attempts().updateOne(
    { _id: attempt._id, endedAt: { $exists: false } },
    {
      $set: { endedAt: now, ...end.set },
      $unset: personalFields,
      ...pushEvent(now, end.event, end.detail),
    } as mongo.UpdateFilter<ActivationAttempt>,
  )
  return matchedCount === 1
}

/**
 * Ends attempts that nobody came back to, as endAttempt does.
 *
 * @param since those that expired before have been ended
 * @returns how many
 */
export async function endAbandonedAttempts(since: Date, now: Date): Promise<number> {
  const { modifiedCount } = await attempts().updateMany(
    { expiresAt: { $gt: since, $lte: now }, endedAt: { $exists: false } },
    {
      $set: { endedAt: now, stoppedBy: 'ACTIVATION_EXPIRED' },
      $unset: personalFields,
      ...pushEvent(now, 'stopped', 'ACTIVATION_EXPIRED'),
    } as mongo.UpdateFilter<ActivationAttempt>,
  )
  return modifiedCount
}

function pushEvent(at: Date, name: ActivationEventName, detail?: string) {
  const event = detail === undefined ? { at, name } : { at, name, detail }
  return { $push: { events: { $each: [event], $slice: -maxEvents } } }
}

/** What the attempt keeps of the cookie's second part. */
export function proofHash(context: Pick<AppContext, 'secrets'>, proof: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `activation-proof|${proof}`).toString('hex')
}

function attemptId(context: Pick<AppContext, 'secrets'>, token: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `activation|${token}`).toString('hex')
}
