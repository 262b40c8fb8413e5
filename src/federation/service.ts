import type { CasPattern } from './cas-pattern.ts'

/**
 * Registered services as the protocols, the release rules and the pages read them.
 * Names are those of SAML V2.0 Metadata and OpenID Connect Registration.
 */

/** A text by language as a service gave it; any language may lack. */
export type ServiceText = Partial<Record<string, string>>

/** ServiceProvider.origin of services that came by themselves: nobody vouches for what they claim. */
export const selfOrigin = 'self'

export type RegistrationState = 'pending' | 'approved'

/** What services of every kind say to people. */
export interface ServiceDisplay {
  readonly displayName: ServiceText
  readonly description: ServiceText
  readonly informationUrl: ServiceText
  readonly privacyStatementUrl: ServiceText
  readonly logoUrl?: string
  /** Where a person starts using the service (home page link), https or http on localhost. */
  readonly startUrl?: string
}

export interface RequestedAttribute {
  /** SAML Attribute Name (urn:oid:…) or OIDC claim name. */
  readonly name: string
  readonly friendlyName?: string
  readonly isRequired: boolean
  /** OIDC: the scope that asks for it, when it was not asked for by itself. */
  readonly scope?: string
}

/**
 * What people see before their data goes to a service: a question, a notice with a button to go on,
 * or nothing. A question and a notice come back when something new would go.
 */
export type Disclosure = 'ask' | 'inform' | 'silent'

/** An admin's word on one service; it outranks what the service says of itself. */
export interface ServiceOverrides {
  /** Table names of attributes to release beyond what is asked, or never to release. */
  readonly release?: readonly string[]
  readonly block?: readonly string[]
  readonly signAssertions?: boolean
  /** false: send assertions in clear although the service publishes an encryption key. */
  readonly encryptAssertions?: boolean
  readonly nameIdFormat?: string
  /** Where people start, for the home page; metadata has no word for it. */
  readonly startUrl?: string
  /** Id of the preset that says what goes; `none`: no preset, although one would fit. */
  readonly preset?: string
  readonly disclosure?: Disclosure
  /**
   * SAML: names of the entity categories that count, of those that the metadata claims. Absent: all of
   * them, but none of what a service claims that came by itself (selfOrigin).
   */
  readonly categories?: readonly string[]
  /** CAS: the service may get proxy tickets, with which it goes to others in the person's name. */
  readonly allowProxy?: boolean
  /** CAS: the attribute whose value goes as the user; `pairwise`: an identifier of this service alone. */
  readonly userAttribute?: string
  /** Law or contract under which the data goes, for people and auditors; or `Greek || English`. */
  readonly legalGround?: string
}

export interface IndexedEndpoint {
  readonly binding: string
  readonly location: string
  readonly responseLocation?: string
  readonly index?: number
  readonly isDefault?: boolean
}

export interface MetadataKey {
  /** SubjectPublicKeyInfo, PEM. Certificate fields are ignored: the key is what the metadata vouches for. */
  readonly publicKeyPem: string
  /** Base64 DER of the certificate it came in, when it came in one. */
  readonly certificate?: string
  /** xenc:EncryptionMethod Algorithm URIs that the key descriptor lists, in its order. */
  readonly encryptionMethods: readonly string[]
  /** ds:DigestMethod URIs inside an RSA-OAEP EncryptionMethod, in order. */
  readonly oaepDigests: readonly string[]
}

export interface AttributeConsumingService {
  readonly index: number
  readonly isDefault: boolean
  readonly serviceName: ServiceText
  readonly requestedAttributes: readonly RequestedAttribute[]
}

/** A SAML service provider, from its metadata. */
export interface ServiceProvider extends ServiceDisplay {
  readonly protocol: 'saml'
  readonly entityId: string
  readonly state: RegistrationState
  /** `file:NAME`, `cli`, `url:URL`, `federation:NAME`: who vouches for it. */
  readonly origin: string
  readonly validUntil?: Date
  readonly assertionConsumerServices: readonly IndexedEndpoint[]
  readonly singleLogoutServices: readonly IndexedEndpoint[]
  readonly nameIdFormats: readonly string[]
  readonly authnRequestsSigned: boolean
  readonly wantAssertionsSigned: boolean
  /** All keys usable for signing (use="signing" or absent), in document order. */
  readonly signingKeys: readonly MetadataKey[]
  /** All keys usable for encryption (use="encryption" or absent), in document order. */
  readonly encryptionKeys: readonly MetadataKey[]
  readonly attributeConsumingServices: readonly AttributeConsumingService[]
  /** Values of http://macedir.org/entity-category. */
  readonly entityCategories: readonly string[]
  /** Every mdattr:EntityAttributes attribute: Name -> values. */
  readonly entityAttributes: Readonly<Record<string, readonly string[]>>
  /** urn:oasis:names:tc:SAML:profiles:subject-id:req; undefined when absent or unknown. */
  readonly subjectIdRequirement?: 'subject-id' | 'pairwise-id' | 'any' | 'none'
  readonly registrationAuthority?: string
  readonly contacts: readonly {
    type: string
    email?: string
    givenName?: string
    surName?: string
  }[]
  readonly overrides: ServiceOverrides
}

/** An OpenID Connect relying party: RFC 7591 client metadata plus our own state. */
export interface RelyingParty extends ServiceDisplay {
  readonly protocol: 'oidc'
  readonly clientId: string
  readonly state: RegistrationState
  readonly origin: string
  /** Client metadata exactly as oidc-provider takes it (client_id, redirect_uris, …), the secret included. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly overrides: ServiceOverrides
}

/** A CAS service: whatever signs in from an address that its pattern matches. */
export interface CasService extends ServiceDisplay {
  readonly protocol: 'cas'
  readonly pattern: CasPattern
  readonly state: RegistrationState
  readonly origin: string
  /** Mail addresses, the first one first. */
  readonly contacts: readonly string[]
  /** By the names of the attribute table. */
  readonly requestedAttributes: readonly RequestedAttribute[]
  /** Where a logout is told; absent: at the address that the ticket was for. */
  readonly logoutUrl?: string
  /** As checkCasMetadata() made it. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly overrides: ServiceOverrides
}

export type RegisteredService = ServiceProvider | RelyingParty | CasService

/** The name under which logs, audit and release rules know the service. */
export function serviceId(service: RegisteredService): string {
  switch (service.protocol) {
    case 'saml':
      return service.entityId
    case 'oidc':
      return service.clientId
    case 'cas':
      return service.pattern.text
  }
}

/** The service's name in the page's language, else any it has, else its id. */
export function serviceName(service: RegisteredService, language: 'el' | 'en'): string {
  const { displayName } = service
  const fallback = language === 'el' ? displayName.en : displayName.el
  return displayName[language] ?? fallback ?? Object.values(displayName)[0] ?? serviceId(service)
}
