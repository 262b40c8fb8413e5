import type { AppContext } from '../context.ts'
import { type EndedSession, removeOfSession } from './logout-channels.ts'
import { RecentKeys } from './recent-keys.ts'
import type { SessionService } from './sessions.ts'
import { SsoSessionModel } from './sso-session-model.ts'

/**
 * How the record of a sign-in ends, in steps that a crash may come between: marked as ending, after
 * which no token of it is taken (`sessionExists`); the browser's session destroyed; taken by the one
 * who tells the services; forgotten once they have been told. What a crash leaves is finished by
 * `finishLogouts`.
 */

/** Longer than telling may take: only from a process that died is a record taken over. */
const tellLeaseMs = 60_000

/** Of a record: nobody is ending the sign-in. */
export const standing = { endingAt: { $exists: false } }

/** Records that nobody is telling the services of. */
export const untold = (now: Date) => ({
  $or: [{ tellingUntil: { $exists: false } }, { tellingUntil: { $lte: now } }],
})

/**
 * The first write of every ending: from here on tokens, tickets and joining services find no sign-in.
 *
 * @param expressSessionId the record is marked only while it belongs to this one
 * @returns false when there is no such record
 */
export async function markEnding(
  { now }: Pick<AppContext, 'now'>,
  id: string,
  expressSessionId?: string,
): Promise<boolean> {
  const { matchedCount } = await SsoSessionModel.updateOne(
    { _id: id, ...(expressSessionId === undefined ? {} : { expressSessionId }) },
    { $set: { endingAt: now() } },
  )
  if (matchedCount > 0) marked.add(id)
  return matchedCount > 0
}

/** Sign-ins that this process marked: at once, also where something of them is cached. */
const marked = new RecentKeys(10_000)

export const isMarkedHere = (id: string): boolean => marked.has(id)

/**
 * Takes the record of a sign-in whose express session is gone, and removes what protocols keep of it.
 * Of several that try, one gets it: nobody is told twice. Whoever gets it tells the services, and then
 * calls forgetRecords().
 *
 * @param expressSessionId the record is taken only while it belongs to this one
 */
export async function takeRecord(
  context: Pick<AppContext, 'now' | 'log'>,
  id: string,
  expressSessionId?: string,
): Promise<EndedSession | undefined> {
  const now = context.now()
  const record = await SsoSessionModel.findOneAndUpdate(
    {
      _id: id,
      ...(expressSessionId === undefined ? {} : { expressSessionId }),
      ...untold(now),
    },
    { $set: { endingAt: now, tellingUntil: new Date(now.getTime() + tellLeaseMs) } },
  ).lean()
  if (!record) return undefined
  const { personId, username } = record
  try {
    await removeOfSession({ id, personId })
  } catch (error) {
    // None of it works any more; that it lies there is no reason to leave the services untold.
    context.log.error(
      { err: error, sessionId: id },
      'tokens of a sign-in that ended were not removed',
    )
  }
  const services = record.services as unknown as SessionService[]
  if (services.length === 0) await forgetRecords([id])
  return { id, personId, username, services }
}

/** The services of these sign-ins have been told. */
export async function forgetRecords(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await SsoSessionModel.deleteMany({ _id: { $in: ids }, endingAt: { $exists: true } })
}
