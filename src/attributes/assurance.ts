import type { AssuranceClaims } from '../institution.ts'
import type { Person } from '../people/person.ts'
import type { AttributeEnvironment, AttributeSubject } from './release-types.ts'

/** REFEDS Assurance Framework 2.0. */
const prefix = 'https://refeds.org/assurance'

type ProofingLevel = NonNullable<AssuranceClaims['identityProofing']>

/**
 * eduPersonAssurance: what this account's activation proves, raised only as far as the institution
 * vouches for it. Lower levels are sent with the higher ones, and a profile only with all that it
 * consists of. docs/attributes.md has the reasoning as a table.
 */
export function assuranceOf(
  { person, account }: AttributeSubject,
  { institution }: Pick<AttributeEnvironment, 'institution'>,
): string[] {
  if (!account.activatedAt) return []
  const claims = institution.attributes?.assurance ?? {}
  const levels = proofingLevels(person, account.activation, claims)
  const freshness = freshnessLevels(claims)
  // Both profiles also need ID/unique, which every activated account has.
  const profiles = freshness.includes('1m')
    ? [
        ...(levels.includes('medium') ? ['cappuccino'] : []),
        ...(levels.includes('high') ? ['espresso'] : []),
      ]
    : []
  return [
    prefix,
    `${prefix}/version/2`,
    `${prefix}/ID/unique`,
    ...(claims.usernamesNeverReassigned ? [`${prefix}/ID/eppn-unique-no-reassign`] : []),
    ...levels.map((level) => `${prefix}/IAP/${level}`),
    ...(isForOwnSystems(person, account.activation, claims)
      ? [`${prefix}/IAP/local-enterprise`]
      : []),
    ...freshness.map((age) => `${prefix}/ATP/ePA-${age}`),
    ...profiles.map((profile) => `${prefix}/profile/${profile}`),
  ]
}

function freshnessLevels({ affiliationFreshness }: AssuranceClaims): readonly string[] {
  if (affiliationFreshness === undefined) return []
  return affiliationFreshness === '1d' ? ['1d', '1m'] : ['1m']
}

type Proof = AttributeSubject['account']['activation']

/**
 * The institution checked who stands in the source system; the account is that person's as far as its
 * activation shows: a PIN came back from the contact that the source holds, and the national number
 * is the source's or was confirmed by the national registry. The embedded registry confirms only what
 * the records themselves say: about a number that the person gave it knows nothing. A passphrase on
 * paper and an administrator leave no such trace.
 */
function proofingLevels(
  person: Person,
  proof: Proof,
  { identityProofing: vouched = 'low' }: AssuranceClaims,
): readonly ProofingLevel[] {
  const hasContact = proof?.way === 'pin' && (proof.proven ?? []).length > 0
  const isConfirmed = proof?.numberCheckedBy === 'national'
  const hasNumber = isConfirmed || proof?.numberOnRecord === true
  if (vouched === 'low' || !isVouchedFor(person) || !hasContact || !hasNumber) return ['low']
  const isHigh = vouched === 'high' && isConfirmed
  return isHigh ? ['low', 'medium', 'high'] : ['low', 'medium']
}

function isForOwnSystems(person: Person, proof: Proof, claims: AssuranceClaims): boolean {
  const isTraceable = proof?.way === 'pin' || proof?.way === 'passphrase'
  return claims.localEnterprise === true && isTraceable && isVouchedFor(person)
}

/**
 * What the institution vouches for is the entry of students and staff; whoever vouches for affiliates
 * is somebody else. Who they are does not change when their role ends.
 */
function isVouchedFor({ roles }: Person): boolean {
  return roles.some(({ role }) => role !== 'affiliate')
}
