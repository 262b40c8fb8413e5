import type { Config } from '../config.ts'
import type { KeyUse } from '../keys/signing-key.ts'
import { cacheDuration } from '../saml/metadata.ts'
import type { MetadataPromise } from './metadata-promises.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export type RotationSettings = Pick<
  Config,
  'metadataValidDays' | 'federationRefreshHours' | 'oidcJwksCacheHours'
>

/** What has to pass between the publication of a key and the first signature by it. */
export interface PromotionPart {
  readonly name: 'metadata-validity' | 'cache-duration' | 'federation-refresh' | 'jwks-cache'
  readonly hours: number
}

/** From when a staged key may sign, and why not before. */
export interface PromotionDate {
  readonly stagedAt: Date
  readonly parts: readonly PromotionPart[]
  readonly safeAt: Date
}

/**
 * When everybody who reads our keys has read the staged one.
 *
 * SAML: a copy of our metadata that was handed out in the moment before staging may be used until
 * its validUntil, whatever it says of refreshing; a reader that is just then on its way with an old
 * copy asks again after the cacheDuration; and a federation that republishes us takes its own time
 * (FEDERATION_REFRESH_HOURS), after which the same copies leave from there. The three are added,
 * which is later than any of them can be alone. OpenID Connect: libraries keep a JWKS for as long as
 * OIDC_JWKS_CACHE_HOURS at most.
 *
 * @param promises the longest validity that our metadata had before the key was staged, see
 *   readMetadataPromises(); a setting that is shorter now does not shorten copies of then
 */
export function promotionDate(
  key: { readonly use: KeyUse; readonly stagedAt: Date },
  settings: RotationSettings,
  promises: readonly MetadataPromise[] = [],
): PromotionDate {
  const { stagedAt } = key
  const parts: PromotionPart[] =
    key.use === 'oidc'
      ? [{ name: 'jwks-cache', hours: settings.oidcJwksCacheHours }]
      : [
          { name: 'metadata-validity', hours: longestValidity(stagedAt, settings, promises) },
          { name: 'cache-duration', hours: cacheDurationHours },
          { name: 'federation-refresh', hours: settings.federationRefreshHours },
        ]
  const hours = parts.reduce((sum, part) => sum + part.hours, 0)
  return { stagedAt, parts, safeAt: new Date(stagedAt.getTime() + hours * hourMs) }
}

/** Our metadata's own word on how often to look, in hours. */
export const cacheDurationHours = Number(/^PT(\d+)H$/.exec(cacheDuration)?.[1])

/** Hours after `stagedAt` until which a copy without the key may be valid. */
function longestValidity(
  stagedAt: Date,
  { metadataValidDays }: RotationSettings,
  promises: readonly MetadataPromise[],
): number {
  const ends = promises.map(({ validDays, lastAt }) => {
    const handedOut = Math.min(lastAt.getTime(), stagedAt.getTime())
    return handedOut + validDays * dayMs
  })
  const latest = Math.max(stagedAt.getTime() + metadataValidDays * dayMs, ...ends)
  return Math.ceil((latest - stagedAt.getTime()) / hourMs)
}

/**
 * When a key that no longer signs may leave JWKS: after the last ID token that it signed, and after
 * the last session in which such a token may come back as id_token_hint.
 */
export function retireDate(
  retiringAt: Date,
  {
    sessionAbsoluteSeconds,
    clockSkewSeconds,
  }: Pick<Config, 'sessionAbsoluteSeconds' | 'clockSkewSeconds'>,
): Date {
  return new Date(retiringAt.getTime() + (sessionAbsoluteSeconds + clockSkewSeconds) * 1000)
}
