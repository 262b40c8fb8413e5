import type { Request } from 'express'
import { type SessionData, Store } from 'express-session'
import { joinedPersonWithAccount, joinPersonWithAccount } from '../people/people-store.ts'
import { rememberSubject } from './request-subject.ts'
import type { SessionSubject } from './subject.ts'
import { WebSessionModel, type WebSessionRecord } from './web-session-model.ts'

type Done<T = void> = (error?: unknown, result?: T) => void

/** Whom a session that was just read belongs to, until express-session ties it to its request. */
const subjects = new WeakMap<object, SessionSubject>()

/** Sessions that came from the store: what has been ended meanwhile must not be written again. */
const stored = new WeakSet<object>()

/**
 * Express sessions in the one store. A request reads session, account and person in one round trip:
 * nearly every request needs all three, and the trips cost more than the look-ups.
 */
export class WebSessionStore extends Store {
  readonly #lifetimeMs: number
  readonly #now: () => Date

  constructor(options: { lifetimeSeconds: number; now: () => Date }) {
    super()
    this.#lifetimeMs = options.lifetimeSeconds * 1000
    this.#now = options.now
  }

  override get(id: string, done: Done<SessionData | null>): void {
    this.#read(id).then((session) => done(null, session), done)
  }

  override set(id: string, session: SessionData, done: Done = () => {}): void {
    const record = {
      personId: session.sso?.personId,
      data: JSON.stringify(session),
      expiresAt: new Date(this.#now().getTime() + this.#lifetimeMs),
    }
    // A request may end after the logout that ran beside it: its session stays gone.
    const upsert = !stored.has(session)
    WebSessionModel.replaceOne({ _id: id }, record, { upsert }).then(() => done(), done)
  }

  override destroy(id: string, done: Done = () => {}): void {
    WebSessionModel.deleteOne({ _id: id }).then(() => done(), done)
  }

  /** A request that only read writes nothing: `currentSession` decides when the idle clock moves. */
  override touch(_id: string, _session: SessionData, done: () => void = () => {}): void {
    done()
  }

  override createSession(request: Request, session: SessionData) {
    const subject = subjects.get(session)
    if (subject) rememberSubject(request, subject)
    const created = super.createSession(request, session)
    stored.add(created)
    return created
  }

  async #read(id: string): Promise<SessionData | null> {
    // The plain command: the driver's cursor would cost as much again as the look-up itself.
    const answer = await WebSessionModel.db.db!.command({
      aggregate: WebSessionModel.collection.collectionName,
      pipeline: [{ $match: { _id: id } }, ...joinPersonWithAccount('personId')],
      cursor: {},
    })
    const [record] = answer.cursor.firstBatch as WebSessionRecord[]
    if (!record || record.expiresAt <= this.#now()) return null
    const session = JSON.parse(record.data) as SessionData
    const subject = joinedPersonWithAccount(record)
    if (subject) subjects.set(session, subject)
    return session
  }
}
