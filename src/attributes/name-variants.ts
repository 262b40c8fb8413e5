import type { LocalizedText } from '../institution.ts'
import type { Person } from '../people/person.ts'
import { list } from './attribute-values.ts'
import type { AttributeDefinition } from './release-types.ts'

type Script = 'el' | 'en'

const scripts: Readonly<Record<Script, string>> = { el: 'Greek', en: 'Latin letters' }

/** Of the whole name, and of its parts, in one script. */
const names: readonly {
  readonly name: string
  readonly oid: string
  readonly claim?: string
  readonly multiValued: boolean
  readonly of: (person: Person, script: Script) => string
}[] = [
  {
    name: 'displayName',
    oid: '2.16.840.1.113730.3.1.241',
    claim: 'name',
    multiValued: false,
    of: fullName,
  },
  { name: 'cn', oid: '2.5.4.3', multiValued: true, of: fullName },
  {
    name: 'givenName',
    oid: '2.5.4.42',
    claim: 'given_name',
    multiValued: false,
    of: ({ firstName }: Person, script: keyof LocalizedText) => firstName[script],
  },
  {
    name: 'sn',
    oid: '2.5.4.4',
    claim: 'family_name',
    multiValued: false,
    of: ({ lastName }: Person, script: keyof LocalizedText) => lastName[script],
  },
]

function fullName({ firstName, lastName }: Person, script: Script): string {
  return `${firstName[script]} ${lastName[script]}`.trim()
}

/**
 * Names in the script that a service asks for, whatever it gets otherwise: LDAP's language options
 * (RFC 3866) over SAML, language-tagged claims (OpenID Connect Core 5.2). No federation names them by
 * OID, so their NameFormat is unspecified; the other spellings are those that Greek services use.
 */
export const nameVariantAttributes: readonly AttributeDefinition[] = names.flatMap(
  ({ name, oid, claim, multiValued, of }) =>
    (Object.keys(scripts) as Script[]).map(
      (script): AttributeDefinition => ({
        name: `${name};lang-${script}`,
        samlName: `${name};lang-${script}`,
        samlAliases: [`urn:oid:${oid};lang-${script}`, `${name}_${script}`],
        samlNameFormat: 'unspecified',
        ...(claim && { claim: `${claim}#${script}` }),
        multiValued,
        sensitivity: 'personal',
        source: `As ${name}, in ${scripts[script]} for every service.`,
        values: ({ person }) => list(of(person, script)),
      }),
    ),
)
