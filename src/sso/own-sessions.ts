import { hash } from 'node:crypto'
import type { SessionData, Store } from 'express-session'
import type { AppContext } from '../context.ts'
import { type Account, signInCounts } from '../people/account.ts'
import { hasLapsed } from './current-session.ts'
import type { EndedSession } from './logout-channels.ts'
import { markEnding, standing, takeRecord } from './session-record.ts'
import { distinctServices, type SessionService } from './sessions.ts'
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
    ...standing,
    expiresAt: { $gt: context.now() },
  })
    .sort({ startedAt: -1 })
    .limit(maxListed)
    .lean<SessionRecord[]>()
  const found = await Promise.all(
    records.map(async ({ _id, expressSessionId, services, ...facts }) => {
      const sso = (await readSession(store, expressSessionId))?.sso
      // Idle for too long, ended with all others, or gone by itself: only the record is left.
      if (sso?.id !== _id || hasLapsed(context, sso) || !signInCounts(account, sso)) return []
      const handle = sessionHandle(sso)
      const lastSeenAt = new Date(sso.lastSeenAt)
      return [{ ...facts, services: distinctServices(services), handle, lastSeenAt }]
    }),
  )
  return found.flat()
}

/** What an ending needs, besides who ends. */
export type EndingContext = Pick<AppContext, 'now' | 'log' | 'sessionStore'>

/** Nobody has ended it and tells its services now. */
const notTaken = { tellingUntil: { $exists: false } }

/**
 * Ends one sign-in of a person. Tokens that end with the session end too.
 *
 * @param handle as listOwnSessions() gave it; a session of somebody else has none of theirs
 * @returns the sign-in, whose services are to be told; undefined when the person has no such session
 */
export async function endOwnSession(
  context: EndingContext,
  personId: string,
  handle: string,
): Promise<EndedSession | undefined> {
  const records = await SsoSessionModel.find(
    { personId, ...notTaken },
    { expressSessionId: 1 },
  ).lean()
  let record = records.find(({ _id }) => sessionHandle({ id: _id }) === handle)
  while (record) {
    const { _id, expressSessionId } = record
    const ended = await endFoundSession(context, { id: _id, expressSessionId })
    if (ended) return ended
    // The password was proved again on that browser meanwhile, which gave its session a new key.
    record =
      (await SsoSessionModel.findOne({ _id, ...notTaken }, { expressSessionId: 1 }).lean()) ??
      undefined
  }
  return undefined
}

/**
 * Ends a session that was found in the store.
 *
 * @returns undefined when it has another express session by now, or is gone
 */
export async function endFoundSession(
  context: EndingContext,
  { id, expressSessionId }: { readonly id: string; readonly expressSessionId: string },
): Promise<EndedSession | undefined> {
  if (!(await markEnding(context, id, expressSessionId))) return undefined
  await destroyExpressSession(context.sessionStore, expressSessionId)
  return takeRecord(context, id, expressSessionId)
}

function readSession(store: Store, id: string): Promise<SessionData | null | undefined> {
  return new Promise((resolve, reject) => {
    store.get(id, (error, session) => (error ? reject(error) : resolve(session)))
  })
}

export function destroyExpressSession(store: Store, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    store.destroy(id, (error) => (error ? reject(error) : resolve()))
  })
}
