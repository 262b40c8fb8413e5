import {
  attributeOf,
  childElement,
  childElements,
  parseXml,
  textOf,
  XmlError,
} from '../xml/safe-xml.ts'
import { readAttributeConsumingServices, readContacts, readDisplay } from './metadata-display.ts'
import {
  readAssertionConsumerServices,
  readBoolean,
  readSingleLogoutServices,
} from './metadata-endpoints.ts'
import {
  MetadataError,
  type MetadataFinding,
  type MetadataReading,
  metadataError,
} from './metadata-finding.ts'
import { readKeys } from './metadata-keys.ts'
import { reviewServiceProvider } from './metadata-review.ts'
import {
  entityCategoryAttribute,
  misspeltSubjectIdRequirement,
  ns,
  saml2Protocol,
  subjectIdRequirementAttribute,
} from './metadata-uris.ts'
import type { ServiceProvider } from './service.ts'

/** SAML Metadata 2.2.1 allows 1024; saml2int SDP-G04 wants 256. */
const maxEntityIdLength = 1024

export interface ServiceProviderReading {
  readonly serviceProvider: ServiceProvider
  readonly findings: readonly MetadataFinding[]
}

/**
 * Reads the metadata of one SAML service provider. The XML's signature is not checked: whoever
 * hands the text in vouches for it. The result is pending and without overrides; the store adds
 * both.
 *
 * SAML V2.0 Metadata 2.3 and 2.4; unknown extensions are passed over.
 *
 * @throws {IdpError} METADATA_INVALID, naming line, entityID, what is wrong and what to do
 */
export function parseServiceProviderMetadata(
  xml: string,
  origin: string,
  now: Date,
): ServiceProvider {
  return readServiceProviderMetadata(xml, origin, now).serviceProvider
}

/** As parseServiceProviderMetadata, with what its owner should mend. */
export function readServiceProviderMetadata(
  xml: string,
  origin: string,
  now: Date,
): ServiceProviderReading {
  const root = parseRoot(xml)
  const entity = findEntity(root)
  const entityId = readEntityId(entity)
  const role = findRole(entity, entityId)
  const reading: MetadataReading = { entityId, now, findings: [] }
  const validUntil = readValidUntil(entity, role, reading)
  const { values: entityAttributes, subjectIdRequirement } = readEntityAttributes(entity, reading)
  const services = readAttributeConsumingServices(role, reading)
  const serviceProvider: ServiceProvider = {
    protocol: 'saml',
    entityId,
    state: 'pending',
    origin,
    validUntil,
    assertionConsumerServices: readAssertionConsumerServices(role, reading),
    singleLogoutServices: readSingleLogoutServices(role, reading),
    nameIdFormats: childElements(role, ns.md, 'NameIDFormat').map(textOf).filter(Boolean),
    authnRequestsSigned: readBoolean(role, 'AuthnRequestsSigned', reading) ?? false,
    wantAssertionsSigned: readBoolean(role, 'WantAssertionsSigned', reading) ?? false,
    ...readKeys(role, reading),
    attributeConsumingServices: services,
    entityCategories: entityAttributes[entityCategoryAttribute] ?? [],
    entityAttributes,
    subjectIdRequirement,
    registrationAuthority: readRegistrationAuthority(entity),
    contacts: readContacts(entity),
    ...readDisplay(entity, role, services, reading),
    overrides: {},
  }
  reviewServiceProvider(serviceProvider, reading)
  return { serviceProvider, findings: reading.findings }
}

function parseRoot(xml: string): Element {
  try {
    return parseXml(xml, { lines: true }).documentElement
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    const { message, line } = error
    throw new MetadataError(
      `the metadata cannot be read: ${message}`,
      [{ code: 'XML_UNREADABLE', message, ...(line !== undefined && { line }) }],
      error,
    )
  }
}

/** Federations nest two or three; deeper ones only cost whoever reads them. */
const maxGroupDepth = 4

/** The one service provider of the document, whether alone or the only one of a group. */
function findEntity(root: Element): Element {
  if (root.namespaceURI === ns.md && root.localName === 'EntityDescriptor') return root
  if (root.namespaceURI !== ns.md || root.localName !== 'EntitiesDescriptor') {
    const found = root.namespaceURI === ns.md ? '' : ` in namespace "${root.namespaceURI ?? ''}"`
    throw metadataError(
      `the root element is <${root.tagName}>${found}, expected <EntityDescriptor>`,
      {
        code: 'METADATA_ROOT',
        element: root,
        remedy:
          'Give the metadata document that the service publishes, in the namespace of SAML 2.0 metadata.',
      },
    )
  }
  const entities: Element[] = []
  let groups: Element[] = [root]
  for (let depth = 1; groups.length > 0; depth++) {
    if (depth > maxGroupDepth) {
      throw metadataError(
        `groups (EntitiesDescriptor) nested deeper than ${maxGroupDepth} levels`,
        {
          element: groups[0],
          remedy: 'Give the EntityDescriptor of the service alone.',
        },
      )
    }
    entities.push(
      ...groups
        .flatMap((group) => childElements(group, ns.md, 'EntityDescriptor'))
        .filter((entity) => childElement(entity, ns.md, 'SPSSODescriptor')),
    )
    groups = groups.flatMap((group) => childElements(group, ns.md, 'EntitiesDescriptor'))
  }
  const [only] = entities
  if (entities.length === 1 && only) return only
  throw metadataError(
    entities.length === 0
      ? 'no entity in it has an SPSSODescriptor, so no service provider is described'
      : `${entities.length} service providers are described, expected one`,
    {
      code: entities.length === 0 ? 'SERVICE_PROVIDER_MISSING' : 'SERVICE_PROVIDERS_SEVERAL',
      element: root,
      remedy: 'Give one service provider at a time, each as an EntityDescriptor of its own.',
    },
  )
}

function readEntityId(entity: Element): string {
  const entityId = attributeOf(entity, 'entityID') ?? ''
  const shown = entityId.length > 100 ? `${entityId.slice(0, 100)}…` : entityId
  // Printable ASCII without space, quotes or brackets: what a URI can hold (RFC 3986 section 2).
  const isUri = /^(https?:\/\/|urn:)[!#-;=?-Z_a-z~[\]%]+$/i.test(entityId)
  // A user part would make it look like the address of another host.
  if (!isUri || /^https?:\/\/[^/?#]*@/i.test(entityId)) {
    throw metadataError(
      `entityID is "${shown}", expected an address that starts with https://, http:// or urn:, without spaces`,
      { code: 'ENTITY_ID_INVALID', element: entity },
    )
  }
  if (entityId.length > maxEntityIdLength) {
    throw metadataError(
      `entityID has ${entityId.length} characters, expected at most ${maxEntityIdLength}`,
      { code: 'ENTITY_ID_INVALID', element: entity },
    )
  }
  return entityId
}

function findRole(entity: Element, entityId: string): Element {
  const roles = childElements(entity, ns.md, 'SPSSODescriptor')
  const role = roles.find((candidate) =>
    attributeOf(candidate, 'protocolSupportEnumeration')?.split(/\s+/).includes(saml2Protocol),
  )
  if (role) return role
  const isIdentityProvider = childElement(entity, ns.md, 'IDPSSODescriptor') !== undefined
  throw metadataError(
    roles.length > 0
      ? 'its SPSSODescriptor does not support SAML 2.0'
      : 'it has no SPSSODescriptor, so it describes no service provider',
    {
      code: roles.length > 0 ? 'SAML2_MISSING' : 'SERVICE_PROVIDER_MISSING',
      element: roles[0] ?? entity,
      entityId,
      remedy:
        roles.length > 0
          ? `Add ${saml2Protocol} to protocolSupportEnumeration.`
          : isIdentityProvider
            ? 'This is the metadata of an identity provider; ask the service for its own.'
            : 'Ask the service for its SAML 2.0 metadata.',
    },
  )
}

/** The earliest validUntil around the role counts (SAML Metadata 2.3.1, 2.3.2, 2.4.1). */
function readValidUntil(
  entity: Element,
  role: Element,
  { entityId, now, findings }: MetadataReading,
): Date | undefined {
  const around: Element[] = [role]
  for (let node: Node | null = entity; node?.nodeType === 1; node = node.parentNode) {
    around.push(node as Element)
  }
  let earliest: Date | undefined
  for (const element of around) {
    const text = attributeOf(element, 'validUntil')
    if (text === undefined) continue
    const instant = new Date(text)
    if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(instant.getTime())) {
      throw metadataError(`validUntil="${text}", expected a time such as 2030-01-31T00:00:00Z`, {
        element,
        entityId,
      })
    }
    if (instant <= now) {
      throw metadataError(`it was valid until ${text} only`, {
        code: 'METADATA_EXPIRED',
        element,
        entityId,
        remedy: 'Fetch the service’s present metadata.',
      })
    }
    if (!earliest || instant < earliest) earliest = instant
  }
  if (earliest) {
    findings.push({
      code: 'VALID_UNTIL_NEAR',
      message: `The metadata is valid until ${earliest.toISOString()} only; sign-in to the service stops then.`,
      subject: earliest.toISOString().slice(0, 10),
      remedy: 'Remove validUntil from metadata that is handed over by hand, or renew it in time.',
    })
  }
  return earliest
}

/** mdattr:EntityAttributes of the entity; those inside a role have no meaning. */
function readEntityAttributes(entity: Element, { findings }: MetadataReading) {
  const values: Record<string, string[]> = Object.create(null)
  const extensions = childElement(entity, ns.md, 'Extensions')
  const containers = extensions ? childElements(extensions, ns.mdattr, 'EntityAttributes') : []
  for (const attribute of containers.flatMap((one) => childElements(one, ns.saml, 'Attribute'))) {
    const name = attributeOf(attribute, 'Name')
    if (!name) continue
    const texts = childElements(attribute, ns.saml, 'AttributeValue').map(textOf).filter(Boolean)
    values[name] ??= []
    values[name].push(...texts)
  }
  if (values[misspeltSubjectIdRequirement]) {
    findings.push({
      code: 'SUBJECT_ID_REQUIREMENT_MISSPELT',
      message: `The entity attribute ${misspeltSubjectIdRequirement} means nothing and is ignored.`,
      remedy: `Its name is ${subjectIdRequirementAttribute}.`,
    })
  }
  const [need] = values[subjectIdRequirementAttribute] ?? []
  const known = (['subject-id', 'pairwise-id', 'any', 'none'] as const).find((one) => one === need)
  if (need !== undefined && !known) {
    findings.push({
      code: 'SUBJECT_ID_REQUIREMENT_UNKNOWN',
      message: `${subjectIdRequirementAttribute} is "${need.slice(0, 80)}", which is ignored.`,
      remedy: 'Write subject-id, pairwise-id, any or none.',
    })
  }
  return { values: { ...values }, subjectIdRequirement: known }
}

function readRegistrationAuthority(entity: Element): string | undefined {
  const extensions = childElement(entity, ns.md, 'Extensions')
  const info = extensions && childElement(extensions, ns.mdrpi, 'RegistrationInfo')
  return info && attributeOf(info, 'registrationAuthority')
}
