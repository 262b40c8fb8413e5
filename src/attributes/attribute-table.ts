import { eduPersonAttributes } from './eduperson.ts'
import { inetOrgPersonAttributes } from './inetorgperson.ts'
import { nameVariantAttributes } from './name-variants.ts'
import { oidcOnlyAttributes } from './oidc-claims.ts'
import type { AttributeDefinition } from './release-types.ts'
import { schacAttributes } from './schac.ts'
import { schGrAcAttributes } from './schgrac.ts'
import { subjectIdentifierAttributes } from './subject-identifiers.ts'

/** The families in the order of the documentation. */
export const attributeFamilies: readonly {
  readonly title: string
  readonly attributes: readonly AttributeDefinition[]
}[] = [
  { title: 'Subject identifiers', attributes: subjectIdentifierAttributes },
  { title: 'eduPerson and grEduPerson', attributes: eduPersonAttributes },
  { title: 'inetOrgPerson', attributes: inetOrgPersonAttributes },
  { title: 'Names in one script', attributes: nameVariantAttributes },
  { title: 'SCHAC', attributes: schacAttributes },
  { title: 'schGrAc', attributes: schGrAcAttributes },
  { title: 'OpenID Connect only', attributes: oidcOnlyAttributes },
]

/** The one table: every attribute that any protocol can give. */
export const attributeTable: readonly AttributeDefinition[] = attributeFamilies.flatMap(
  ({ attributes }) => attributes,
)

const byName = new Map(attributeTable.map((definition) => [definition.name, definition]))
const bySamlName = new Map(
  attributeTable.flatMap((definition) =>
    [definition.samlName, ...(definition.samlAliases ?? [])]
      .filter((name) => name !== '')
      .map((name) => [name, definition] as const),
  ),
)

/** By the table's own name, as admins write it in overrides. */
export function attributeByName(name: string): AttributeDefinition | undefined {
  return byName.get(name)
}

/** By SAML Attribute Name. FriendlyName is decoration and never matched. */
export function attributeBySamlName(samlName: string): AttributeDefinition | undefined {
  return bySamlName.get(samlName)
}
