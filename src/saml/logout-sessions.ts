import type { AppContext } from '../context.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findSessionsOfService } from '../sso/find-sessions.ts'
import type { EndedSession } from '../sso/logout-channels.ts'
import { endFoundSession } from '../sso/own-sessions.ts'
import { type SessionService, sessionIndexFor } from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'

/** Whose sessions a LogoutRequest names. */
export interface NamedSessions {
  readonly nameId: { readonly format: string; readonly value: string }
  /** Empty: all of this NameID at the service (Core 3.7.1). */
  readonly sessionIndexes: readonly string[]
}

/** Whether the request names this session, by a NameID that the service was given in it (Core 3.7.3). */
export function namesSession(
  sp: ServiceProvider,
  { nameId, sessionIndexes }: NamedSessions,
  session: Pick<SsoSession, 'id'> & { readonly services: readonly SessionService[] },
): boolean {
  const isGiven = session.services.some(
    (given) =>
      given.protocol === 'saml' &&
      given.id === sp.entityId &&
      given.nameId === nameId.value &&
      given.nameIdFormat === nameId.format,
  )
  return (
    isGiven &&
    (sessionIndexes.length === 0 || sessionIndexes.includes(sessionIndexFor(session, sp.entityId)))
  )
}

/**
 * Ends the sessions that the request names wherever they are, without their browsers. Their services
 * are still to be told.
 */
export async function endNamedSessions(
  context: AppContext,
  sp: ServiceProvider,
  names: NamedSessions,
): Promise<EndedSession[]> {
  const found = await findSessionsOfService(
    { protocol: 'saml', id: sp.entityId },
    { nameId: names.nameId.value, sessionIndexes: names.sessionIndexes },
    context.now(),
  )
  const ended: EndedSession[] = []
  for (const session of found) {
    if (!namesSession(sp, names, session)) continue
    const removed = await endFoundSession(context, session)
    if (!removed) continue
    ended.push(removed)
    context.audit.record({
      event: 'logout',
      result: 'success',
      personId: session.personId,
      username: session.username,
      service: sp.entityId,
      sessionId: session.id,
      details: { by: 'service' },
    })
  }
  return ended
}
