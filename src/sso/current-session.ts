import type { Request } from 'express'
import type { AppContext } from '../context.ts'
import type { SsoSession } from './sso-session.ts'

/** lastSeenAt moves at most this many times in an idle lifetime: a plain read writes nothing. */
const touchesPerLifetime = 10

/**
 * The sign-in that this browser holds, if it still counts: used within the idle lifetime and begun
 * within the absolute one. Whether the account still may sign in is `loadSubject`'s question.
 */
export function currentSession(
  context: Pick<AppContext, 'config' | 'now'>,
  request: Request,
): SsoSession | undefined {
  const session = request.session?.sso
  if (!session) return undefined
  const nowMs = context.now().getTime()
  const idleMs = context.config.sessionIdleSeconds * 1000
  const isIdle = nowMs - session.lastSeenAt >= idleMs
  const isOld = nowMs - session.startedAt >= context.config.sessionAbsoluteSeconds * 1000
  if (isIdle || isOld) {
    delete request.session.sso
    return undefined
  }
  if (nowMs - session.lastSeenAt >= idleMs / touchesPerLifetime) session.lastSeenAt = nowMs
  return session
}

/** When this session ends at the latest, for SessionNotOnOrAfter and token lifetimes. */
export function sessionEnd(context: Pick<AppContext, 'config'>, session: SsoSession): Date {
  return new Date(session.startedAt + context.config.sessionAbsoluteSeconds * 1000)
}
