import {
  assuranceText,
  formsText,
  rolesText,
  studentIdentifierText,
} from './attribute-docs-texts.ts'
import { attributeFamilies } from './attribute-table.ts'
import type { AttributeDefinition } from './release-types.ts'
import { bundleScopes, oidcScopes } from './scopes.ts'

/** Their SAML Name is no public one: the institution file gives it. */
const namedByInstitution = ['schGrAcInscription']

const intro = `# Attributes

This page is made from the attribute table (\`src/attributes/\`) by \`node src/attributes/write-attribute-docs.ts\`; a test fails when it is out of date.

Over SAML 2.0 an attribute has the Name printed here, NameFormat \`urn:oasis:names:tc:SAML:2.0:attrname-format:uri\` unless it says otherwise, the attribute's name as FriendlyName, and one AttributeValue a value. Over OpenID Connect it is the claim printed here; a claim marked *list* is an array even with one value. Both carry equal values, of at most 256 characters.

## Who gets what

Nothing goes to a service unless a rule names it. The rules, first word wins:

1. What an administrator blocked for the service never goes (\`propylaia sp override ENTITYID --block NAME\`).
2. What an administrator releases to it goes (\`--release NAME\`).
3. The subject identifier that its metadata demands (\`subject-id:req\`) goes; with \`any\` pairwise-id goes and subject-id does not. To a service of another federation subject-id goes only with an entity category that may name the person.
4. To a known service goes what its preset names, some of it only for people of some affiliations, and nothing else, whatever its metadata asks for; over OpenID Connect only as far as it asks ([releasing-attributes.md](releasing-attributes.md)).
5. What an entity category of the service gives goes, where the institution honours that category ([releasing-attributes.md](releasing-attributes.md)). To services of other federations nothing else goes, whatever they ask for.
6. *Sensitive* attributes (national numbers) go by rule 2 only, however a service asks. None of our presets names one.
7. What it asks for goes: the RequestedAttributes of the AttributeConsumingService that its AuthnRequest names (else the default one), or the scopes and claims of its OpenID Connect request as far as the client is registered for those scopes.

Every decision is kept with its reason, for each attribute that went and each that did not.
`

/** docs/attributes.md, whole. */
export function attributeDocs(): string {
  const families = attributeFamilies.map(
    ({ title, attributes }) =>
      `## ${title}\n\n| Attribute | SAML Name | Claim | Sensitivity | Where it comes from |\n|---|---|---|---|---|\n${attributes
        .map(attributeRow)
        .join('\n')}\n`,
  )
  return [
    intro,
    rolesText,
    formsText,
    ...families,
    studentIdentifierText,
    assuranceText,
    scopeDocs(),
  ].join('\n')
}

function attributeRow(definition: AttributeDefinition): string {
  const { name, claim, multiValued, claimType, sensitivity } = definition
  const kind = multiValued ? ' *list*' : claimType ? ` *${claimType}*` : ''
  const cells = [
    name,
    samlCell(definition),
    claim === undefined ? '' : `\`${claim}\`${kind}`,
    sensitivity,
    definition.source,
  ]
  return `| ${cells.join(' | ')} |`
}

function samlCell(definition: AttributeDefinition): string {
  const { name, samlName, samlSyntax, samlNameFormat, samlAliases = [] } = definition
  if (samlName === '')
    return namedByInstitution.includes(name) ? 'as the institution file says' : ''
  const aliases = samlAliases.map((alias) => `\`${alias}\``).join(', ')
  return [
    `\`${samlName}\``,
    ...(samlSyntax === 'name-id' ? [' (value: a persistent NameID)'] : []),
    ...(samlNameFormat ? [`, NameFormat ${samlNameFormat}`] : []),
    ...(aliases ? [`; also asked for as ${aliases}`] : []),
  ].join('')
}

function scopeDocs(): string {
  const rows = bundleScopes.map((scope) => {
    const claims = oidcScopes[scope]!.map((claim) => `\`${claim}\``).join(', ')
    return `| \`${scope}\` | ${claims || '`sub` alone'} |`
  })
  return `## Scopes of OpenID Connect

| Scope | Claims |
|---|---|
${rows.join('\n')}

Besides these, every claim above has a scope of the same name, with \`_\` for \`#\`, that asks for it alone (\`email\` asks for \`email_verified\` too). \`offline_access\` asks for a refresh token, not for claims. \`profile\` asks for no birth date; a service that needs it is registered for the scope \`birthdate\`. A client is registered for scopes (\`scope\` of its metadata) and gets nothing beyond them; without any it gets \`sub\`.
`
}
