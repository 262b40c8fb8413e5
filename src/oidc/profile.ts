import { attributeTable } from '../attributes/attribute-table.ts'

/** Claim -> the name that attributes have outside OpenID Connect. */
const nameOfClaim = new Map<string, string>(
  attributeTable.flatMap(({ claim, name, samlName }) =>
    // What no directory has keeps the claim's name.
    claim === undefined || samlName === '' ? [] : [[claim, name]],
  ),
)
// The username has two names here, and services that read profiles know this one.
nameOfClaim.set('preferred_username', 'uid')

export interface Profile {
  readonly id: unknown
  readonly attributes: Readonly<Record<string, unknown>>
}

/**
 * Userinfo in the form that a CAS server's OAuth 2.0 profile has: `id` is the username when the
 * service gets it, else the `sub`, and the attributes have their directory names.
 */
export function profileOf({ sub, ...claims }: Readonly<Record<string, unknown>>): Profile {
  const attributes: Record<string, unknown> = {}
  for (const [claim, value] of Object.entries(claims)) {
    attributes[nameOfClaim.get(claim) ?? claim] = value
  }
  return { id: claims.preferred_username ?? sub, attributes }
}
