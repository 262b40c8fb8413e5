import { categoryRules } from '../attributes/entity-categories.ts'
import type { FederationFacts, Institution } from '../institution.ts'
import { algorithms, attributeNameFormatUri, namespaces } from './uris.ts'
import { escapeAttribute, escapeText } from './xml-writer.ts'

/** What the extensions of our own EntityDescriptor hold, in exclusive-canonical form. */
export function writeEntityExtensions(institution: Institution): string {
  return `${writeRegistration(institution)}${writeEntityAttributes(institution.federation)}${writeAlgorithms()}`
}

/** The federation adds its own when it registers us; ours only repeats what the institution states. */
function writeRegistration({ registrationAuthority, federation = {} }: Institution): string {
  if (!registrationAuthority) return ''
  const { registrationInstant: instant, registrationPolicy: policy } = federation
  const policies = (['el', 'en'] as const).map((language) =>
    policy
      ? `<mdrpi:RegistrationPolicy xml:lang="${language}">${escapeText(policy[language])}</mdrpi:RegistrationPolicy>`
      : '',
  )
  return `<mdrpi:RegistrationInfo xmlns:mdrpi="${namespaces.mdrpi}" registrationAuthority="${escapeAttribute(registrationAuthority)}"${instant ? ` registrationInstant="${escapeAttribute(instant)}"` : ''}>${policies.join('')}</mdrpi:RegistrationInfo>`
}

/**
 * What we claim (RFC 8409 and SAML Metadata Extension for Entity Attributes). Whether the
 * institution file bears it out was checked when it was read.
 */
function writeEntityAttributes(facts: FederationFacts = {}): string {
  const { entityCategorySupport = [], assuranceCertification = [], hideFromDiscovery } = facts
  const attributes = [
    writeEntityAttribute(
      'http://macedir.org/entity-category',
      hideFromDiscovery ? ['http://refeds.org/category/hide-from-discovery'] : [],
    ),
    writeEntityAttribute(
      'http://macedir.org/entity-category-support',
      [...new Set(entityCategorySupport)].flatMap((name) => categoryRules[name].values),
    ),
    writeEntityAttribute(
      'urn:oasis:names:tc:SAML:attribute:assurance-certification',
      [...new Set(assuranceCertification)].sort().map((name) => `https://refeds.org/${name}`),
    ),
  ].join('')
  return attributes === ''
    ? ''
    : `<mdattr:EntityAttributes xmlns:mdattr="${namespaces.mdattr}">${attributes}</mdattr:EntityAttributes>`
}

function writeEntityAttribute(name: string, values: readonly string[]): string {
  if (values.length === 0) return ''
  const written = values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
  return `<saml:Attribute xmlns:saml="${namespaces.saml}" Name="${name}" NameFormat="${attributeNameFormatUri}">${written.join('')}</saml:Attribute>`
}

/** What we verify (Metadata Profile for Algorithm Support 1.0). */
function writeAlgorithms(): string {
  const digests = [algorithms.sha256, algorithms.sha384, algorithms.sha512]
  const signing = [
    algorithms.rsaSha256,
    algorithms.rsaSha384,
    algorithms.rsaSha512,
    algorithms.ecdsaSha256,
    algorithms.ecdsaSha384,
    algorithms.ecdsaSha512,
  ]
  const write = (name: string) => (uri: string) =>
    `<alg:${name} xmlns:alg="${namespaces.alg}" Algorithm="${uri}"></alg:${name}>`
  return [...digests.map(write('DigestMethod')), ...signing.map(write('SigningMethod'))].join('')
}

/** Helps a service's list to put the nearest institution first (mdui 1.0, section 2.2). */
export function writeDiscoveryHints(facts: FederationFacts = {}): string {
  const hints = [
    ['IPHint', facts.ipHints],
    ['DomainHint', facts.domainHints],
    ['GeolocationHint', facts.geolocationHints],
  ] as const
  const written = hints.flatMap(([name, values = []]) =>
    values.map((value) => `<mdui:${name}>${escapeText(value)}</mdui:${name}>`),
  )
  return written.length === 0
    ? ''
    : `<mdui:DiscoHints xmlns:mdui="${namespaces.mdui}">${written.join('')}</mdui:DiscoHints>`
}
