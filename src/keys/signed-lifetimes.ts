import type { Config } from '../config.ts'
import type { KeyUse } from './signing-key.ts'

/** How long an assertion is valid. Profiles 4.1.4.2 asks for a short life; saml2int allows five minutes. */
export const assertionLifetimeSeconds = 5 * 60

export const idTokenLifetimeSeconds = 15 * 60

/** Workers notice a change within about a second; a request that began before may still sign. */
const underWaySeconds = 60

/**
 * For how long something may be about that needs a key which no longer signs: an assertion or token
 * that its service has yet to check, or for an encryption key metadata that names it. Seconds.
 */
export function neededSeconds(
  use: KeyUse,
  config: Pick<Config, 'clockSkewSeconds' | 'metadataValidDays'>,
): number {
  const around = underWaySeconds + config.clockSkewSeconds
  switch (use) {
    case 'saml':
      // Two clocks may be off: ours when we wrote the instant, the service's when it reads it.
      return assertionLifetimeSeconds + around + config.clockSkewSeconds
    case 'oidc':
      return idTokenLifetimeSeconds + around + config.clockSkewSeconds
    case 'saml-encryption':
      return config.metadataValidDays * 86_400 + around
  }
}
