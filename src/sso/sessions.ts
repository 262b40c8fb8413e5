import { hash, randomBytes } from 'node:crypto'
import type { Request } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { type Account, signInCounts } from '../people/account.ts'
import { currentSession, sessionEnd } from './current-session.ts'
import { RecentKeys } from './recent-keys.ts'
import type { SsoSession } from './sso-session.ts'
import { SsoSessionModel } from './sso-session-model.ts'

type SessionContext = Pick<AppContext, 'config' | 'now' | 'audit'>

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
  context: SessionContext,
  request: Request,
  account: Pick<Account, '_id' | 'username' | 'sessionGeneration' | 'keptSessionId'>,
  method: AuthnMethod,
): Promise<SsoSession> {
  const previous = currentSession(context, request)
  const isSamePerson = previous?.personId === account._id
  if (previous && !isSamePerson) await forgetSession(context, request, previous)
  const nowMs = context.now().getTime()
  // The id of a sign-in that was ended never comes back: grants and tokens hang on it.
  const isContinued = previous && isSamePerson && signInCounts(account, previous)
  const session: SsoSession = {
    id: isContinued ? previous.id : randomBytes(16).toString('hex'),
    generation: account.sessionGeneration,
    personId: account._id,
    username: account.username,
    authnInstant: nowMs,
    startedAt: nowMs,
    amr: method.amr,
    acr: method.acr,
    lastSeenAt: nowMs,
  }
  await regenerate(request)
  request.session.sso = session
  await SsoSessionModel.updateOne(
    { _id: session.id },
    {
      $set: {
        ...(session.generation === undefined ? {} : { generation: session.generation }),
        personId: session.personId,
        username: session.username,
        expressSessionId: request.sessionID,
        startedAt: new Date(nowMs),
        authnInstant: new Date(nowMs),
        ...requestOrigin(request),
        expiresAt: sessionEnd(context, session),
      },
      $setOnInsert: { services: [] },
    },
    { upsert: true },
  )
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

/** Notes that the service takes part in the session. Writes the first time only. */
export async function recordService(
  context: Pick<AppContext, 'now'>,
  session: SsoSession,
  service: SessionService,
): Promise<void> {
  const key = `${service.protocol} ${service.id}`
  const seen = `${session.id} ${key} ${service.nameId ?? ''}`
  if (joined.has(seen)) return
  const entry = { ...service, key, joinedAt: context.now() }
  const { matchedCount } = await SsoSessionModel.updateOne(
    { _id: session.id, 'services.key': key },
    { $set: { 'services.$': entry } },
  )
  if (matchedCount === 0) {
    await SsoSessionModel.updateOne(
      { _id: session.id, 'services.key': { $ne: key } },
      { $push: { services: entry } },
    )
  }
  joined.add(seen)
}

/** The services in the session, oldest first. */
export async function servicesInSession(
  session: Pick<SsoSession, 'id'>,
): Promise<SessionService[]> {
  const record = await SsoSessionModel.findById(session.id).lean()
  return (record?.services ?? []) as SessionService[]
}

/** Whether the sign-in still stands; for holders of tokens that end with it. */
export async function sessionExists(id: string, now: Date): Promise<boolean> {
  return (await SsoSessionModel.exists({ _id: id, expiresAt: { $gt: now } })) !== null
}

/** Ends this browser's sign-in; the express session goes with it. */
export async function endSession(context: SessionContext, request: Request): Promise<void> {
  const session = request.session?.sso
  if (session) await forgetSession(context, request, session)
  await new Promise<void>((resolve, reject) => {
    request.session.destroy((error) => (error ? reject(error) : resolve()))
  })
}

async function forgetSession(context: SessionContext, request: Request, session: SsoSession) {
  await SsoSessionModel.deleteOne({ _id: session.id })
  context.audit.record({
    event: 'logout',
    result: 'success',
    personId: session.personId,
    username: session.username,
    sessionId: session.id,
    address: request.ip,
  })
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
