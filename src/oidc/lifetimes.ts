import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { Config } from '../config.ts'
import { idTokenLifetimeSeconds } from '../keys/signed-lifetimes.ts'

const minute = 60
const day = 24 * 60 * minute

/** Whether the request may keep access after the person left (OIDC Core 11). */
export function wantsOfflineAccess(ctx: KoaContextWithOIDC): boolean {
  const scope = ctx.oidc.params?.scope
  return typeof scope === 'string' && scope.split(' ').includes('offline_access')
}

/**
 * How long the grant must hold. With the session: twice its longest life, so that renewing at half
 * time always leaves a whole one. Offline: half a year, after which the service asks again.
 */
export function grantSeconds(config: SessionLifetime, isOffline: boolean): number {
  return isOffline ? 180 * day : 2 * config.sessionAbsoluteSeconds
}

type SessionLifetime = Pick<Config, 'sessionAbsoluteSeconds'>

/** All in seconds. */
export function lifetimes(
  config: SessionLifetime & Pick<Config, 'loginFlowSeconds'>,
): NonNullable<Configuration['ttl']> {
  return {
    AuthorizationCode: minute,
    AccessToken: 15 * minute,
    IdToken: idTokenLifetimeSeconds,
    // Each use gives a new one with a new life; grant and session bound the chain.
    RefreshToken: (_ctx, token) =>
      token.scopes.has('offline_access') ? 14 * day : config.sessionAbsoluteSeconds,
    Grant: (ctx) => grantSeconds(config, wantsOfflineAccess(ctx)),
    Interaction: config.loginFlowSeconds,
    Session: config.sessionAbsoluteSeconds,
  }
}
