import { createHmac } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AppContext } from '../context.ts'
import { isGrantRevoked } from './adapter.ts'

type Grant = InstanceType<Provider['Grant']>

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
  claims: readonly string[],
  sidOf: (sessionUid: string, clientId: string) => string,
  secrets: AppContext['secrets'],
): Promise<Grant | undefined> {
  const { session, client, account, provider } = ctx.oidc
  if (!session?.uid || !client || !account) return undefined
  // Written before the library draws a random one, for the same reason as the id.
  if (!session.sidFor(client.clientId)) {
    session.sidFor(client.clientId, sidOf(session.uid, client.clientId))
  }
  for (let generation = 0; ; generation++) {
    const id = grantId(secrets, session.uid, client.clientId, generation)
    const existing = await provider.Grant.find(id)
    if (existing && existing.accountId === account.accountId && !isHalfSpent(existing)) {
      return existing
    }
    if (!existing && (await isGrantRevoked(id))) continue
    const grant = new provider.Grant({
      accountId: account.accountId,
      clientId: client.clientId,
    })
    grant.jti = id
    grant.addOIDCScope(client.scope ?? scopesOfUnregistered)
    grant.addOIDCClaims([...claims])
    await grant.save()
    return grant
  }
}

/** Renewed while in use, so that a refresh token issued now does not outlive it. */
function isHalfSpent(grant: Grant): boolean {
  return grant.ttlPercentagePassed() >= 50
}

function grantId(
  secrets: AppContext['secrets'],
  sessionUid: string,
  clientId: string,
  generation: number,
): string {
  return createHmac('sha256', secrets.get('oidc-cookie'))
    .update(`grant|${sessionUid}|${clientId}|${generation}`)
    .digest('base64url')
}
