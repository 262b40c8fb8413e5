import { hash } from 'node:crypto'
import type { SessionData, Store } from 'express-session'
import type { AppContext } from '../context.ts'
import { type Account, signInCounts } from '../people/account.ts'
import { hasLapsed } from './current-session.ts'
import type { EndedSession } from './logout-channels.ts'
import { removeRecord, type SessionService } from './sessions.ts'
import type { SsoSession } from './sso-session.ts'
import { SsoSessionModel } from './sso-session-model.ts'

/** Nobody reads a longer list, and each session is looked up; the newest count. */
const maxListed = 50

interface SessionRecord {
  readonly _id: string
  readonly expressSessionId: string
  readonly startedAt: Date
  readonly authnInstant: Date
  readonly address?: string
  readonly userAgent?: string
  readonly services: readonly (SessionService & { readonly joinedAt: Date })[]
}

/** A sign-in that still counts, on one browser, as its owner sees it. */
export interface OwnSession extends Omit<SessionRecord, '_id' | 'expressSessionId'> {
  /** Names the session on the owner's pages. Its id stays secret: other names are made of it. */
  readonly handle: string
  /** Moves seldom: at most once in a tenth of the idle lifetime. */
  readonly lastSeenAt: Date
}

export function sessionHandle(session: Pick<SsoSession, 'id'>): string {
  return hash('sha256', `handle\n${session.id}`, 'base64url').slice(0, 22)
}

/** A person's sign-ins that still count, the newest first. */
export async function listOwnSessions(
  context: Pick<AppContext, 'config' | 'now'>,
  store: Store,
  account: Pick<Account, '_id' | 'sessionGeneration' | 'keptSessionId'>,
): Promise<OwnSession[]> {
  const records = await SsoSessionModel.find({
    personId: account._id,
    expiresAt: { $gt: context.now() },
  })
    .sort({ startedAt: -1 })
    .limit(maxListed)
    .lean<SessionRecord[]>()
  const found = await Promise.all(
    records.map(async ({ _id, expressSessionId, ...facts }) => {
      const sso = (await readSession(store, expressSessionId))?.sso
      // Idle for too long, ended with all others, or gone by itself: only the record is left.
      if (sso?.id !== _id || hasLapsed(context, sso) || !signInCounts(account, sso)) return []
      return [{ ...facts, handle: sessionHandle(sso), lastSeenAt: new Date(sso.lastSeenAt) }]
    }),
  )
  return found.flat()
}

/**
 * Ends one sign-in of a person: the browser's session first, so that a crash leaves it listed and
 * not alive. Tokens that end with the session end too.
 *
 * @param handle as listOwnSessions() gave it; a session of somebody else has none of theirs
 * @returns the sign-in, whose services are to be told; undefined when the person has no such session
 */
export async function endOwnSession(
  store: Store,
  personId: string,
  handle: string,
): Promise<EndedSession | undefined> {
  const records = await SsoSessionModel.find({ personId }, { expressSessionId: 1 }).lean()
  let record = records.find(({ _id }) => sessionHandle({ id: _id }) === handle)
  while (record) {
    const { _id, expressSessionId } = record
    const ended = await endFoundSession(store, { id: _id, expressSessionId })
    if (ended) return ended
    // The password was proved again on that browser meanwhile, which gave its session a new key.
    record = (await SsoSessionModel.findById(_id, { expressSessionId: 1 }).lean()) ?? undefined
  }
  return undefined
}

/**
 * Ends a session that was found in the store: the browser's first.
 *
 * @returns undefined when it has another express session by now, or is gone
 */
export async function endFoundSession(
  store: Store,
  found: { readonly id: string; readonly expressSessionId: string },
): Promise<EndedSession | undefined> {
  await destroySession(store, found.expressSessionId)
  return removeRecord(found.id, found.expressSessionId)
}

function readSession(store: Store, id: string): Promise<SessionData | null | undefined> {
  return new Promise((resolve, reject) => {
    store.get(id, (error, session) => (error ? reject(error) : resolve(session)))
  })
}

function destroySession(store: Store, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    store.destroy(id, (error) => (error ? reject(error) : resolve()))
  })
}
