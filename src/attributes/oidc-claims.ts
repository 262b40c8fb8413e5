import { list } from './attribute-values.ts'
import { birthDateOf } from './person-facts.ts'
import type { AttributeDefinition } from './release-types.ts'

/** Standard claims that no SAML attribute is the same as (OpenID Connect Core 5.1). */
export const oidcOnlyAttributes: readonly AttributeDefinition[] = [
  {
    name: 'preferredUsername',
    samlName: '',
    claim: 'preferred_username',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Username.',
    values: ({ account }) => [account.username],
  },
  {
    name: 'emailVerified',
    samlName: '',
    claim: 'email_verified',
    claimType: 'boolean',
    multiValued: false,
    sensitivity: 'public',
    source: 'Always true: the mailbox in `email` is the institution’s own.',
    values: () => ['true'],
  },
  {
    name: 'birthDate',
    samlName: '',
    claim: 'birthdate',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Birth date, YYYY-MM-DD.',
    facts: ['birthDate'],
    values: ({ person }) => list(birthDateOf(person)),
  },
]
