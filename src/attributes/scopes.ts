import { attributeTable } from './attribute-table.ts'

/**
 * Scopes that ask for several claims. `profile` leaves out birthdate and gender although OpenID
 * Connect Core 5.4 has them there: a service that needs them asks for them by their own scopes.
 */
const bundles: Readonly<Record<string, readonly string[]>> = {
  openid: [],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale'],
  email: ['email', 'email_verified'],
  phone: ['phone_number'],
  eduperson: [
    'eduperson_principal_name',
    'eduperson_affiliation',
    'eduperson_primary_affiliation',
    'eduperson_scoped_affiliation',
    'eduperson_assurance',
    'schac_home_organization',
  ],
}

/** Every claim that we can give, `sub` aside. */
export const supportedClaims: readonly string[] = attributeTable.flatMap(({ claim }) =>
  claim === undefined ? [] : [claim],
)

/**
 * Scope -> claims: the bundles, and for every other claim one scope of the same name, as GÉANT and
 * EGI deployments have it (no scope is standardised). `offline_access` asks for no claim and belongs
 * to the protocol.
 */
export const oidcScopes: Readonly<Record<string, readonly string[]>> = Object.freeze({
  ...Object.fromEntries(
    supportedClaims
      .filter((claim) => claim !== 'email_verified')
      // Many libraries put no # into a scope: family_name_el asks for family_name#el.
      .map((claim) => [claim.replace('#', '_'), [claim]]),
  ),
  ...bundles,
})

export const bundleScopes: readonly string[] = Object.keys(bundles)

/** The claims that the scopes ask for; unknown scopes ask for none. */
export function claimsOfScopes(scopes: readonly string[]): Map<string, string> {
  const claims = new Map<string, string>()
  for (const scope of scopes) {
    if (!Object.hasOwn(oidcScopes, scope)) continue
    for (const claim of oidcScopes[scope]!) if (!claims.has(claim)) claims.set(claim, scope)
  }
  return claims
}
