import { pairwiseValue } from '../attributes/pairwise.ts'
import type { AppContext } from '../context.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findSessionsOfService } from '../sso/find-sessions.ts'
import type { EndedSession } from '../sso/logout-channels.ts'
import { endFoundSession } from '../sso/own-sessions.ts'
import { type SessionService, sessionIndexFor } from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { transientNameId } from './name-id.ts'
import { nameIdFormats } from './uris.ts'

/** Whose sessions a LogoutRequest names. */
export interface NamedSessions {
  readonly nameId: { readonly format: string; readonly value: string }
  /** Empty: all of this NameID at the service (Core 3.7.1). */
  readonly sessionIndexes: readonly string[]
}

/** Whether the request names this session, which the service must take part in. */
export function namesSession(
  context: Pick<AppContext, 'secrets'>,
  sp: ServiceProvider,
  { nameId, sessionIndexes }: NamedSessions,
  session: Pick<SsoSession, 'id' | 'personId'> & { readonly services: readonly SessionService[] },
): boolean {
  const known = session.services.find(
    ({ protocol, id }) => protocol === 'saml' && id === sp.entityId,
  )
  return (
    known !== undefined &&
    isNameIdOf(context, session, sp, known, nameId) &&
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
    if (!namesSession(context, sp, names, session)) continue
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

/**
 * Whether the service was given this NameID in this session: the one written down last, or one of
 * the two that are computed, which it may have asked for before that.
 */
function isNameIdOf(
  context: Pick<AppContext, 'secrets'>,
  session: Pick<SsoSession, 'id' | 'personId'>,
  sp: ServiceProvider,
  known: SessionService,
  { format, value }: NamedSessions['nameId'],
): boolean {
  if (known.nameId === value && known.nameIdFormat === format) return true
  const key = context.secrets.get('pairwise')
  switch (format) {
    case nameIdFormats.transient:
      return value === transientNameId(key, session.id, sp.entityId)
    case nameIdFormats.persistent:
      return value === pairwiseValue(key, session.personId, sp.entityId)
    default:
      return false
  }
}
