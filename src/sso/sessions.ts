import { hash, randomBytes } from 'node:crypto'
import type { Request } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { type Account, signInCounts } from '../people/account.ts'
import { currentSession, sessionEnd } from './current-session.ts'
import type { EndedSession } from './logout-channels.ts'
import { RecentKeys } from './recent-keys.ts'
import { isMarkedHere, markEnding, standing, takeRecord } from './session-record.ts'
import type { SsoSession } from './sso-session.ts'
import { SsoSessionModel } from './sso-session-model.ts'
import { inBackground, tellServices } from './tell-services.ts'

/** How the person proved who they are. */
export interface AuthnMethod {
  /** RFC 8176 values. */
  readonly amr: readonly string[]
  /** SAML AuthnContextClassRef / OIDC acr. */
  readonly acr: string
}

/**
 * Starts the one sign-in, under a new express session id (a fixed id is worth nothing afterwards).
 * The same person proving their password again keeps the session and the services in it; another
 * person on the same browser ends the first one's.
 *
 * @param account as it was read to check the password: of a later reading, a password that was
 *   changed meanwhile would count
 */
export async function startSession(
  context: AppContext,
  request: Request,
  account: Pick<Account, '_id' | 'username' | 'sessionGeneration' | 'keptSessionId'>,
  method: AuthnMethod,
): Promise<SsoSession> {
  const previous = currentSession(context, request)
  const isSamePerson = previous?.personId === account._id
  const nowMs = context.now().getTime()
  // The id of a sign-in that was ended never comes back: grants and tokens hang on it.
  const isContinued = previous && isSamePerson && signInCounts(account, previous)
  if (previous && !isSamePerson) await markEnding(context, previous.id)
  await regenerate(request)
  if (previous && !isSamePerson) tellInBackground(context, await forget(context, request, previous))
  const base = {
    ...(account.sessionGeneration === undefined ? {} : { generation: account.sessionGeneration }),
    personId: account._id,
    username: account.username,
  }
  const times = { startedAt: nowMs, authnInstant: nowMs }
  const record = {
    ...base,
    expressSessionId: request.sessionID,
    startedAt: new Date(nowMs),
    authnInstant: new Date(nowMs),
    ...requestOrigin(request),
    expiresAt: sessionEnd(context, times),
  }
  // One that somebody has ended, or ends in this very moment, is not gone on with.
  const kept = isContinued
    ? await SsoSessionModel.updateOne({ _id: previous.id, ...standing }, { $set: record })
    : undefined
  const isKept = isContinued && kept?.matchedCount === 1
  const id = isKept ? previous.id : randomBytes(16).toString('hex')
  if (!isKept) await SsoSessionModel.create({ _id: id, ...record, services: [] })
  const session: SsoSession = {
    id,
    ...base,
    ...times,
    amr: method.amr,
    acr: method.acr,
    lastSeenAt: nowMs,
  }
  request.session.sso = session
  return session
}

/** A service that takes part in the session, as logout will need to address it. */
export interface SessionService {
  readonly protocol: 'saml' | 'oidc' | 'cas'
  readonly id: string
  readonly nameId?: string
  readonly nameIdFormat?: string
  readonly sessionIndex?: string
}

/** What this worker already wrote: a service joins a session once, not at every visit. */
const joined = new RecentKeys(50_000)
/** For so long at most. An ending that another process began and did not finish is seen after that. */
const joinedMs = 10_000

/**
 * Notes that the service takes part in the session. Writes the first time only. A SAML service that
 * gets another NameID later stands there with each: it may end its session, and is told, by any of
 * them (SAML Core 3.7). They are few: a format has one value.
 *
 * @returns false when the sign-in ended meanwhile: nobody would tell the service, so it may not join.
 *   One that takes part already is told like all others, and is not looked up again for joinedMs
 */
export async function recordService(
  context: Pick<AppContext, 'now'>,
  session: Pick<SsoSession, 'id'>,
  service: SessionService,
): Promise<boolean> {
  const key = `${service.protocol} ${service.id}`
  const { nameId, nameIdFormat } = service
  if (isMarkedHere(session.id)) return false
  const period = Math.floor(context.now().getTime() / joinedMs)
  const seen = JSON.stringify([period, session.id, key, nameIdFormat, nameId])
  if (joined.has(seen)) return true
  const same = { key, ...(nameId === undefined ? {} : { nameId, nameIdFormat }) }
  const { matchedCount } = await SsoSessionModel.updateOne(
    { _id: session.id, ...standing, services: { $not: { $elemMatch: same } } },
    { $push: { services: { ...service, key, joinedAt: context.now() } } },
  )
  // Not there to be written: it takes part already, or the sign-in is over.
  if (matchedCount === 0 && !(await sessionExists(session.id, context.now()))) return false
  joined.add(seen)
  return true
}

/** Each service once, for people: one may stand in a session under several NameIDs. */
export function distinctServices<Service extends Pick<SessionService, 'protocol' | 'id'>>(
  services: readonly Service[],
): Service[] {
  return [...new Map(services.map((one) => [`${one.protocol} ${one.id}`, one])).values()]
}

/** The services in the session, oldest first; one with several NameIDs is there with each. */
export async function servicesInSession(
  session: Pick<SsoSession, 'id'>,
): Promise<SessionService[]> {
  const record = await SsoSessionModel.findById(session.id).lean()
  return (record?.services ?? []) as SessionService[]
}

/** Whether the sign-in still stands; for holders of tokens that end with it. */
export async function sessionExists(id: string, now: Date): Promise<boolean> {
  return (await SsoSessionModel.exists({ _id: id, ...standing, expiresAt: { $gt: now } })) !== null
}

/**
 * Ends this browser's sign-in, and tells the services in it over the back channel, behind the
 * request's back: for a session that is found to be worth nothing. Where a person signs out,
 * `startLogout` tells them what came of it.
 */
export async function endSession(context: AppContext, request: Request): Promise<void> {
  tellInBackground(context, await takeSession(context, request))
}

/**
 * Ends this browser's sign-in and tells nobody: the caller does. The record is marked first, so that a
 * crash leaves nothing that works for long: what is missing is done by finishLogouts().
 *
 * @returns undefined when there was none, or another request ended it in the same moment
 * @throws {IdpError} LOGOUT_FAILED nothing was done; LOGOUT_UNFINISHED the rest is done by others
 */
export async function takeSession(
  context: Pick<AppContext, 'audit' | 'now' | 'log'>,
  request: Request,
): Promise<EndedSession | undefined> {
  const session = request.session?.sso
  try {
    if (session) await markEnding(context, session.id)
  } catch (cause) {
    throw logoutError('LOGOUT_FAILED', 'the sign-in could not be marked as ended', cause)
  }
  try {
    await new Promise<void>((resolve, reject) => {
      request.session.destroy((error) => (error ? reject(error) : resolve()))
    })
    return session && (await forget(context, request, session))
  } catch (cause) {
    throw logoutError('LOGOUT_UNFINISHED', 'the store failed half way through a logout', cause)
  }
}

/** What the person must hear of, whose sign-in is not over as they wished. */
export function logoutError(
  code: 'LOGOUT_FAILED' | 'LOGOUT_UNFINISHED',
  message: string,
  cause: unknown,
): IdpError {
  return new IdpError(code, message, { status: 503, cause })
}

async function forget(
  context: Pick<AppContext, 'audit' | 'now' | 'log'>,
  request: Request,
  session: SsoSession,
): Promise<EndedSession | undefined> {
  const ended = await takeRecord(context, session.id)
  context.audit.record({
    event: 'logout',
    result: 'success',
    personId: session.personId,
    username: session.username,
    sessionId: session.id,
    address: request.ip,
  })
  return ended
}

function tellInBackground(context: AppContext, ended: EndedSession | undefined): void {
  if (ended) void inBackground(tellServices(context, [ended]))
}

/**
 * SAML SessionIndex for one service: stable in a session, different for each service, so that two
 * services cannot compare theirs (SAML Core 2.7.2). The session's id is secret and random, so a
 * plain hash keeps it so.
 */
export function sessionIndexFor(session: Pick<SsoSession, 'id'>, entityId: string): string {
  return `_${hash('sha256', `${session.id}\n${entityId}`, 'hex').slice(0, 32)}`
}

function regenerate(request: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    request.session.regenerate((error) => (error ? reject(error) : resolve()))
  })
}
