import type { RequestedAttribute, ServiceOverrides } from '../federation/service.ts'
import type { Institution } from '../institution.ts'
import type { Account } from '../people/account.ts'
import type { Person } from '../people/person.ts'

/** How freely an attribute may be given: sensitive ones need a rule that names them. */
export type Sensitivity = 'public' | 'personal' | 'sensitive'

/** Everything attribute values are computed from. Pure functions take nothing else. */
export interface AttributeSubject {
  readonly person: Person
  readonly account: Pick<Account, '_id' | 'username' | 'email' | 'activatedAt'>
  readonly now: Date
  /** The language the person reads our pages in, when the caller knows it. */
  readonly language?: 'el' | 'en'
}

export interface AttributeEnvironment {
  readonly institution: Institution
  /** The institution's domain (SCOPE). */
  readonly scope: string
  /** Our SAML entityID. */
  readonly entityId: string
  /** Keyed hash for per-service identifiers: stable for the life of the institution. */
  readonly pairwiseKey: Buffer
  /** Opens a sealed national number, for services that may have it. */
  readonly openNationalNumber: (sealed: { country: string; hmac: string; sealed: string }) => string
}

/** A service as the release rules see it, whatever the protocol. */
export interface ReleaseTarget {
  readonly protocol: 'saml' | 'oidc' | 'cas'
  /** entityID or client_id; also what per-service identifiers are computed over. */
  readonly id: string
  /** saml: Attribute Names asked for; oidc: claim names that scopes and `claims` ask for. */
  readonly requestedAttributes: readonly RequestedAttribute[]
  readonly entityCategories: readonly string[]
  readonly subjectIdRequirement?: 'subject-id' | 'pairwise-id' | 'any' | 'none'
  /**
   * international: registered in another country's federation. Names go in Latin letters and
   * student codes in their European form. Absent: national.
   */
  readonly audience?: 'national' | 'international'
  readonly overrides: ServiceOverrides
}

/** One line of the one table (DESIGN decision 7; documented in docs/attributes.md). */
export interface AttributeDefinition {
  /** The field's name, e.g. `eduPersonPrincipalName`; also the SAML FriendlyName. */
  readonly name: string
  /**
   * SAML Attribute Name, e.g. `urn:oid:1.3.6.1.4.1.5923.1.1.1.6`; empty for what only OpenID Connect
   * has. Such an attribute is never released over SAML.
   */
  readonly samlName: string
  /**
   * name-id: in SAML 2.0 the AttributeValue holds a persistent saml:NameID with our entityID as
   * NameQualifier and the service's as SPNameQualifier, the value being its text.
   */
  readonly samlSyntax?: 'name-id'
  /** OIDC claim, absent where none is defined. */
  readonly claim?: string
  /** OIDC: a list even with one value. */
  readonly multiValued: boolean
  /** OIDC: what the claim is in JSON. Absent: a string, or a list of strings when multiValued. */
  readonly claimType?: 'boolean'
  readonly sensitivity: Sensitivity
  /** Where the value comes from, for the documentation and the explanation. */
  readonly source: string
  /** No value: empty list. */
  readonly values: (
    subject: AttributeSubject,
    environment: AttributeEnvironment,
    target: ReleaseTarget,
  ) => readonly string[]
}

export interface ReleasedAttribute {
  readonly definition: AttributeDefinition
  readonly values: readonly string[]
}

/** Why an attribute goes or does not. Codes are translated on pages; never rename. */
export type ReleaseReason =
  | 'requested'
  | 'required'
  | 'subject-id-requirement'
  | 'admin-release'
  | 'scope'
  | 'admin-block'
  | 'not-requested'
  | 'sensitive-without-rule'
  | 'not-available'
  | 'superseded'

export interface ReleaseDecision {
  readonly attribute: string
  readonly released: boolean
  readonly reason: ReleaseReason
  /** One English sentence for admins and logs, without any value of the person. */
  readonly detail: string
}

export interface Release {
  readonly attributes: readonly ReleasedAttribute[]
  /** One decision for every attribute of the table, in table order. */
  readonly decisions: readonly ReleaseDecision[]
}
