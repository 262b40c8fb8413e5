import type { Disclosure, RequestedAttribute, ServiceOverrides } from '../federation/service.ts'
import type { Affiliation, Institution, LocalizedText } from '../institution.ts'
import type { Account } from '../people/account.ts'
import type { Person, RoleKind } from '../people/person.ts'
import type { EntityCategory } from './entity-categories.ts'

/** How freely an attribute may be given: sensitive ones need a rule that names them. */
export type Sensitivity = 'public' | 'personal' | 'sensitive'

export type { Affiliation }

/** How values are written for one service. What is absent follows the service's audience. */
export interface ValueForms {
  /** The script of names; the other one when the person has none in it. */
  readonly names?: 'el' | 'en'
  /** gr: domain, Ministry's department code, number. esi: European Student Identifier. */
  readonly uniqueCode?: 'gr' | 'esi'
  /** Prefix of schacPersonalUniqueID: terena is what Greek readers demand, schac the one of SCHAC 1.5. */
  readonly uniqueId?: 'terena' | 'schac'
  /**
   * Which current role the department code and the unique code come from: the first of these kinds
   * that has both. Absent: student roles alone.
   */
  readonly codeRoles?: readonly RoleKind[]
}

/** Why a service may have data about people (GDPR 6(1)), with the text that people and admins read. */
export interface LegalGround {
  readonly basis:
    | 'consent'
    | 'contract'
    | 'legal-obligation'
    | 'public-task'
    | 'legitimate-interests'
  readonly text: LocalizedText
}

export interface PresetAttribute {
  /** A name of the attribute table. */
  readonly name: string
  readonly isRequired: boolean
  /** What the service does with it. */
  readonly why: LocalizedText
  /** Goes only to people with one of these primary affiliations. */
  readonly onlyFor?: readonly Affiliation[]
}

/** What a known service needs: one declarative file. */
export interface ServicePreset {
  readonly id: string
  readonly name: LocalizedText
  readonly about: LocalizedText
  /** Hosts that the service's entityID and endpoints are under, for applying it by itself. */
  readonly hosts: readonly string[]
  readonly disclosure: Disclosure
  readonly legalGround: LegalGround
  readonly forms?: ValueForms
  /** All that goes: with a preset, what the metadata asks for does not count. */
  readonly attributes: readonly PresetAttribute[]
  /** Where this list comes from and what the institution must confirm, for administrators. */
  readonly basis: string
  /** Sensitive attributes that the file means to release; without its name here none may be in the list. */
  readonly sensitive?: readonly string[]
}

/** A fact that an attribute is made of; pages name it by `release.fact.<name>`. */
export type AttributeFact =
  | 'role'
  | 'studentRole'
  | 'ministryCode'
  | 'departmentCode'
  | 'departmentName'
  | 'registrationNumber'
  | 'enrollment'
  | 'inscription'
  | 'employment'
  | 'position'
  | 'birthDate'
  | 'citizenship'
  | 'nationalNumber'
  | 'amka'
  | 'taxNumber'
  | 'mobile'
  | 'orcid'
  | 'academicId'

/** Everything attribute values are computed from. Pure functions take nothing else. */
export interface AttributeSubject {
  readonly person: Person
  readonly account: Pick<Account, '_id' | 'username' | 'email' | 'activatedAt' | 'activation'>
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
  /** SAML Names by attribute name, where the institution's file gives one that the table lacks. */
  readonly samlNames?: Readonly<Record<string, string>>
  /** Known services: ours and the institution's own (PRESETS_DIR). */
  readonly presets: readonly ServicePreset[]
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
  /** Those of them by which the institution gives attributes. */
  readonly categories?: readonly EntityCategory[]
  /** Claims Anonymous Access: it wants to know nobody again, so no identifier goes. */
  readonly isAnonymous?: boolean
  /** What it asks for goes only as far as a category gives it: services of other federations. */
  readonly needsCategory?: boolean
  readonly subjectIdRequirement?: 'subject-id' | 'pairwise-id' | 'any' | 'none'
  /**
   * international: registered in another country's federation. Names go in Latin letters and
   * student codes in their European form. Absent: national.
   */
  readonly audience?: 'national' | 'international'
  readonly forms?: ValueForms
  readonly preset?: ServicePreset
  readonly overrides: ServiceOverrides
}

/** One line of the one table (DESIGN decision 7; documented in docs/attributes.md). */
export interface AttributeDefinition {
  /** The field's name, e.g. `eduPersonPrincipalName`; also the SAML FriendlyName. */
  readonly name: string
  /**
   * SAML Attribute Name, e.g. `urn:oid:1.3.6.1.4.1.5923.1.1.1.6`; empty for what only OpenID Connect
   * has. Such an attribute is never released over SAML. The institution may give one that it lacks
   * (`AttributeEnvironment.samlNames`).
   */
  readonly samlName: string
  /** Other Names by which services ask for it; the answer carries `samlName`. */
  readonly samlAliases?: readonly string[]
  /** Absent: uri. */
  readonly samlNameFormat?: 'unspecified'
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
  /** What the value is made of, for saying what is missing; absent: always there. */
  readonly facts?: readonly AttributeFact[]
  /** No value: empty list. */
  readonly values: (
    subject: AttributeSubject,
    environment: AttributeEnvironment,
    target: ReleaseTarget,
  ) => readonly string[]
}

export interface ReleasedAttribute {
  readonly definition: AttributeDefinition
  /** SAML Attribute Name; empty where only other protocols have the attribute. */
  readonly samlName: string
  readonly values: readonly string[]
}

/** Why an attribute goes or does not. Codes are translated on pages; never rename. */
export type ReleaseReason =
  | 'requested'
  | 'required'
  | 'subject-id-requirement'
  | 'admin-release'
  | 'preset'
  | 'entity-category'
  | 'scope'
  | 'admin-block'
  | 'not-requested'
  | 'sensitive-without-rule'
  | 'not-available'
  | 'superseded'
  | 'not-in-preset'
  | 'not-for-affiliation'
  | 'not-in-category'

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
