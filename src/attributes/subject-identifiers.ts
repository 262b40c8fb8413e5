import { pairwiseValue } from './pairwise.ts'
import type { AttributeDefinition } from './release-types.ts'

/**
 * SAML V2.0 Subject Identifier Attributes Profile 1.0. Both uniqueIDs are lower-case letters and
 * digits, so two values never differ by case only. OpenID Connect has `sub` for them.
 */
export const subjectIdentifierAttributes: readonly AttributeDefinition[] = [
  {
    name: 'subject-id',
    samlName: 'urn:oasis:names:tc:SAML:attribute:subject-id',
    multiValued: false,
    sensitivity: 'personal',
    source: 'As eduPersonUniqueId: the same for every service, never reassigned.',
    values: ({ person }, { scope }) => [`${person._id}@${scope}`],
  },
  {
    name: 'pairwise-id',
    samlName: 'urn:oasis:names:tc:SAML:attribute:pairwise-id',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Computed for each service: another value at every service, never reassigned.',
    values: ({ person }, { pairwiseKey, scope }, target) => [
      `${pairwiseValue(pairwiseKey, person._id, target.id)}@${scope}`,
    ],
  },
]
