import type { Request } from 'express'
import type { AppContext } from '../context.ts'
import { isMarkedHere } from './session-record.ts'
import type { SsoSession } from './sso-session.ts'

/** lastSeenAt moves at most this many times in an idle lifetime: a plain read writes nothing. */
const touchesPerLifetime = 10

/**
 * The sign-in that this browser holds, if it still counts: used within the idle lifetime and begun
 * within the absolute one, and not being ended by this process. Whether the account still may sign in is `loadSubject`'s question.
 */
export function currentSession(
  context: Pick<AppContext, 'config' | 'now'>,
  request: Request,
): SsoSession | undefined {
  const session = request.session?.sso
  if (!session) return undefined
  if (hasLapsed(context, session) || isMarkedHere(session.id)) {
    delete request.session.sso
    return undefined
  }
  const nowMs = context.now().getTime()
  const idleMs = context.config.sessionIdleSeconds * 1000
  if (nowMs - session.lastSeenAt >= idleMs / touchesPerLifetime) session.lastSeenAt = nowMs
  return session
}

/** Whether the session was idle for too long or is too old. */
export function hasLapsed(
  { config, now }: Pick<AppContext, 'config' | 'now'>,
  session: Pick<SsoSession, 'lastSeenAt' | 'startedAt'>,
): boolean {
  const nowMs = now().getTime()
  const isIdle = nowMs - session.lastSeenAt >= config.sessionIdleSeconds * 1000
  return isIdle || nowMs - session.startedAt >= config.sessionAbsoluteSeconds * 1000
}

/** When this session ends at the latest, for SessionNotOnOrAfter and token lifetimes. */
export function sessionEnd(
  context: Pick<AppContext, 'config'>,
  session: Pick<SsoSession, 'startedAt'>,
): Date {
  return new Date(session.startedAt + context.config.sessionAbsoluteSeconds * 1000)
}
