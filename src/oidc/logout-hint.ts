import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Secrets } from '../keys/secrets.ts'
import { sessionIndexFor } from '../sso/sessions.ts'
import { subjectOf } from './provider.ts'

/**
 * Whether the id_token_hint is an ID token that this client got by the very sign-in of this browser.
 * Then nobody is asked whether they want to sign out: the service that they are signed in at says so,
 * and no other site has that token (RP-Initiated Logout 1.0 section 2 leaves this to us; Keycloak does
 * the same). The library has verified the token and that the client is its audience.
 *
 * By `sid`; a client that registered no logout address has none, and a subject and time of sign-in.
 */
export function hintNamesSession(ctx: KoaContextWithOIDC, secrets: Secrets): boolean {
  const { session, client, entities } = ctx.oidc
  const payload = (entities.IdTokenHint as { payload?: Record<string, unknown> } | undefined)
    ?.payload
  if (!client || !payload || !session?.accountId) return false
  if (payload.sid !== undefined) {
    return payload.sid === sessionIndexFor({ id: session.uid }, client.clientId)
  }
  return (
    payload.sub === subjectOf(secrets, session.accountId, client) &&
    payload.auth_time === session.loginTs
  )
}

/** The registered address that the client wants to go on at, with its state. */
export function returnAddress(parameters: Readonly<Record<string, unknown>> | undefined) {
  const { post_logout_redirect_uri: address, state } = parameters ?? {}
  if (typeof address !== 'string') return undefined
  const url = new URL(address)
  if (typeof state === 'string') url.searchParams.set('state', state)
  return url.href
}
