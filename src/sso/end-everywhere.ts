import type { AppContext } from '../context.ts'
import { type Account, type SignInMark, signInCounts } from '../people/account.ts'
import { accounts } from '../people/people-store.ts'
import type { EndedSession } from './logout-channels.ts'
import { destroyExpressSession } from './own-sessions.ts'
import { markEnding, standing, takeRecord } from './session-record.ts'
import { SsoSessionModel } from './sso-session-model.ts'
import { inBackground, tellServices } from './tell-services.ts'

/** What was removed. */
export interface EndedSignIns {
  /** Browsers that were signed in. */
  readonly sessions: number
  /** Services that held tokens, or could have got some; each counts once a session. */
  readonly grants: number
}

/**
 * Removes what a protocol keeps of sign-ins that no longer count.
 *
 * @param account as it is after the ending
 * @returns how many services had something
 */
export type RemoveEnded = (account: SignInOwner) => Promise<number>

export interface EndingOptions {
  /**
   * Gets the sign-ins that ended, whose services are still to be told, by whoever takes them. Without
   * it they are told over the back channel, behind the caller's back.
   */
  readonly tell?: (ended: readonly EndedSession[]) => void
}

type SignInOwner = Pick<Account, '_id' | 'sessionGeneration' | 'keptSessionId'>

const removers = new Set<RemoveEnded>()

/** A protocol with tokens of its own says here how they go. */
export function onEndEverywhere(remove: RemoveEnded): void {
  removers.add(remove)
}

/**
 * Ends every sign-in of a person on every browser, and every token that services got by one, also
 * those that work offline. After the first write none of it counts, whatever happens then.
 *
 * @param options.exceptSessionId SsoSession.id of the browser that stays signed in. When it was ended
 *   itself meanwhile, nothing happens: of two browsers that end each other at once one goes, and a
 *   request that a thief began just before the password was changed brings nothing back
 * @returns how many there were; zero for somebody without an account
 */
export async function endEverywhere(
  context: AppContext,
  personId: string,
  options: EndingOptions & { readonly exceptSessionId?: string } = {},
): Promise<EndedSignIns> {
  const { exceptSessionId } = options
  const account = await accounts().findOneAndUpdate(
    { _id: personId, ...(exceptSessionId === undefined ? {} : await stillCounts(exceptSessionId)) },
    endingOf(exceptSessionId),
    { returnDocument: 'after' },
  )
  return account ? removeEnded(context, account, options) : { sessions: 0, grants: 0 }
}

/** The condition on the account under which this sign-in counts: signInCounts() for the store. */
export async function stillCounts(sessionId: string) {
  const session = await SsoSessionModel.findOne({ _id: sessionId, ...standing })
    .select('generation')
    .lean()
  const sessionGeneration = session?.generation ?? { $exists: false }
  const isKept = { keptSessionId: sessionId }
  return session ? { $or: [isKept, { sessionGeneration }] } : isKept
}

/** Parts of an update of the account. */
export interface EndingUpdate {
  readonly $inc?: { readonly sessionGeneration: 1 }
  readonly $set?: { readonly keptSessionId: string }
  readonly $unset?: { readonly keptSessionId: '' }
}

/**
 * What an update of the account must contain to end its sign-ins, for whoever changes something else
 * in the same write.
 */
export function endingOf(keptSessionId: string | undefined): EndingUpdate {
  return {
    $inc: { sessionGeneration: 1 },
    ...(keptSessionId === undefined
      ? { $unset: { keptSessionId: '' } }
      : { $set: { keptSessionId } }),
  }
}

/**
 * Removes sign-ins and tokens that no longer count, so that nobody is shown them as there, and has the
 * services told.
 */
export async function removeEnded(
  context: AppContext,
  account: SignInOwner,
  options: EndingOptions = {},
): Promise<EndedSignIns> {
  const { tell = (sessions) => void inBackground(tellServices(context, sessions)) } = options
  const grants = await Promise.all([...removers].map((remove) => remove(account)))
  const ended: EndedSession[] = []
  try {
    await removeSessions(context, account, ended)
  } finally {
    // Those that are gone, also when the store failed at the next.
    tell(ended)
  }
  return { sessions: ended.length, grants: grants.reduce((sum, count) => sum + count, 0) }
}

/** @param ended gets each sign-in that was removed, in the moment it was */
async function removeSessions(
  context: AppContext,
  account: SignInOwner,
  ended: EndedSession[],
): Promise<void> {
  const found = await SsoSessionModel.find({ personId: account._id })
    .select(['generation', 'expressSessionId'])
    .lean()
  for (const session of found) {
    if (signInCounts(account, markOf(session))) continue
    await markEnding(context, session._id)
    await destroyExpressSession(context.sessionStore, session.expressSessionId)
    const removed = await takeRecord(context, session._id)
    if (removed) ended.push(removed)
  }
}

function markOf(session: { _id: string; generation?: number | null }): SignInMark {
  return { id: session._id, generation: session.generation ?? undefined }
}
