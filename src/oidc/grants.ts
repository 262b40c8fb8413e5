import { createHmac } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Secrets } from '../keys/secrets.ts'
import { isGrantOver } from './adapter.ts'

type Grant = InstanceType<Provider['Grant']>

/** What a grant keeps of the sign-in that it came from; the store's copy decides (adapter.ts). */
export interface SignInOfGrant {
  /** SsoSession.id */
  signInId: string
  /** SsoSession.generation */
  signInGeneration?: number
}

/** Scopes of a client that registered none: `sub` and nothing else, as the release rules have it. */
const scopesOfUnregistered = 'openid offline_access'

/**
 * The grant of this session to this service: all scopes that the service is registered for. Nobody
 * is asked here; what leaves is decided by the release rules each time claims are computed.
 *
 * Its id is computed from session and client: parallel requests write the same grant instead of
 * each its own, of which the session would know only the last.
 */
export async function standingGrant(
  ctx: KoaContextWithOIDC,
  options: {
    claims: readonly string[]
    /** What a grant made now gets; one with less than half of it left is renewed. */
    lifetimeSeconds: number
    sidOf: (sessionUid: string, clientId: string) => string
    secrets: Secrets
    /** Of the sign-in that this request belongs to. */
    generation: number | undefined
  },
): Promise<Grant | undefined> {
  const { session, client, account, provider } = ctx.oidc
  if (!session?.uid || !client || !account) return undefined
  // Written before the library draws a random one, for the same reason as the id.
  if (!session.sidFor(client.clientId)) {
    session.sidFor(client.clientId, options.sidOf(session.uid, client.clientId))
  }
  const scope = client.scope ?? scopesOfUnregistered
  for (let generation = 0; ; generation++) {
    const id = grantId(options.secrets, session.uid, client.clientId, generation)
    const existing = await provider.Grant.find(id)
    const isFresh = (existing?.remainingTTL ?? 0) >= options.lifetimeSeconds / 2
    if (existing && isFresh && existing.getOIDCScope() === scope) return existing
    if (!existing && (await isGrantOver(id))) continue
    const signIn: SignInOfGrant = {
      signInId: session.uid,
      ...(options.generation === undefined ? {} : { signInGeneration: options.generation }),
    }
    const grant = new provider.Grant({
      accountId: account.accountId,
      clientId: client.clientId,
      ...signIn,
    })
    grant.jti = id
    grant.addOIDCScope(scope)
    grant.addOIDCClaims([...options.claims])
    await grant.save()
    return grant
  }
}

function grantId(
  secrets: Secrets,
  sessionUid: string,
  clientId: string,
  generation: number,
): string {
  return createHmac('sha256', secrets.get('oidc-cookie'))
    .update(`grant|${sessionUid}|${clientId}|${generation}`)
    .digest('base64url')
}
