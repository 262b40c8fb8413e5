import { readFileSync } from 'node:fs'
import type { EntityCategory } from './attributes/entity-categories.ts'
import { ConfigError } from './config.ts'
import { findInstitutionProblems } from './institution-check.ts'
import type { AcceptedTerms } from './people/account.ts'

/** A text in both languages of every page. */
export interface LocalizedText {
  readonly el: string
  readonly en: string
}

export interface InstitutionContact {
  readonly givenName: string
  /** A mailbox of the institution, without `mailto:`. */
  readonly email: string
}

/** Somewhere a signed-in person can go; shown on the home page even before it is registered here. */
export interface ServiceLink {
  readonly name: LocalizedText
  readonly description: LocalizedText
  readonly url: string
}

/** Whom people ask to correct what a source system holds about them. */
export interface RecordKeeper {
  readonly name: LocalizedText
  readonly email?: string
  readonly phone?: string
  readonly url?: string
}

/** Terms of use or privacy policy as a page of ours; people accept a version of it. */
export interface PolicyText {
  /** Shown and recorded, e.g. `2026-09-01`; change it whenever the meaning changes. */
  readonly version: string
  readonly sections: readonly {
    readonly title: LocalizedText
    /** Paragraphs are parted by an empty line. */
    readonly text: LocalizedText
  }[]
}

/** Rules that a new password must keep, as the page states them. */
export interface PasswordRules {
  /** Characters. */
  readonly minLength: number
  readonly minNonAlphabetic: number
  /** Longest run of digits in rising or falling order (123, 987). */
  readonly maxDigitRun: number
  readonly minDifferent: number
}

export interface ActivationRules {
  /** exactly-one: mobile or mail, not both. */
  readonly contacts: 'any' | 'exactly-one'
  /** Whose record must hold a tax number (AFM). */
  readonly taxNumberRequiredFor: readonly (
    | 'undergraduate'
    | 'postgraduate'
    | 'staff'
    | 'affiliate'
  )[]
}

/** A department, by its code in the institution's own systems. */
export interface Department {
  readonly name: LocalizedText
  /** The Ministry's code, digits; used where a person's record lacks it. */
  readonly ministryCode?: string
}

/** The closed list of eduPersonAffiliation that we give (eduPerson 202208, 2.2.1). */
export type Affiliation =
  | 'faculty'
  | 'staff'
  | 'employee'
  | 'student'
  | 'alum'
  | 'affiliate'
  | 'member'

/** How attribute values are made; every member has a default. */
export interface AttributeRules {
  /**
   * eduPersonPrimaryAffiliation is the first of these that the person has; those that it does not
   * name follow in the order of `defaultPrecedence`.
   */
  readonly primaryAffiliation?: readonly Affiliation[]
  readonly europeanStudentIdentifier?: {
    /** institution: under our domain. national: under `gr`. */
    readonly form: 'institution' | 'national'
    readonly code: 'registration-number' | 'department-and-registration-number' | 'academic-id'
  }
  /** For schGrAcPersonalLinkageID, by source of the registry. */
  readonly linkage?: Readonly<
    Record<
      string,
      {
        readonly category: string
        readonly identifier: string
        /** Tells several systems of one category apart; 1 when absent. */
        readonly sequence?: number
      }
    >
  >
  /** `urn:oid:…` for schGrAcInscription, once you know it; no public schema has it. */
  readonly schGrAcInscriptionName?: string
  readonly assurance?: AssuranceClaims
}

/** What the institution vouches for, beyond what each account's activation proves (REFEDS RAF 2.0). */
export interface AssuranceClaims {
  /** The highest level that entry of students and staff into the source systems meets. */
  readonly identityProofing?: 'low' | 'medium' | 'high'
  /** Accounts are good enough for the institution's own systems (IAP/local-enterprise). */
  readonly localEnterprise?: boolean
  /** Usernames are never given to somebody else. */
  readonly usernamesNeverReassigned?: boolean
  /** How soon a change of role reaches the registry. */
  readonly affiliationFreshness?: '1d' | '1m'
}

/** What people see before data goes to a service, and which preset a service has. */
export interface ReleaseSettings {
  /** For services with neither a preset nor an administrator's word; default silent. */
  readonly disclosure?: 'ask' | 'inform' | 'silent'
  /** Preset ids by entityID or client_id. */
  readonly presets?: Readonly<Record<string, string>>
  /** Entity categories whose services get what the category says; none when absent. */
  readonly entityCategories?: readonly EntityCategory[]
  /**
   * true: services of other federations get what their metadata asks for, as those at home do.
   * Otherwise they need a category or an administrator's word.
   */
  readonly foreignRequests?: boolean
}

/** What our own metadata tells the federation, beyond names and addresses; every member has a default. */
export interface FederationFacts {
  /** Addresses of the registrar's practice statement; only beside `registrationAuthority`. */
  readonly registrationPolicy?: LocalizedText
  /** When the federation registered us, UTC. */
  readonly registrationInstant?: string
  /** Claimed as supported; only those that `release.entityCategories` honours. */
  readonly entityCategorySupport?: readonly EntityCategory[]
  readonly assuranceCertification?: readonly ('sirtfi' | 'sirtfi2')[]
  /** true: services' lists of institutions leave us out. */
  readonly hideFromDiscovery?: boolean
  /** RFC 5870, e.g. `geo:37.9755,23.7348`. */
  readonly geolocationHints?: readonly string[]
  readonly domainHints?: readonly string[]
  /** CIDR blocks. */
  readonly ipHints?: readonly string[]
  /** true: our MDQ responder gives the metadata of approved services too, not ours alone. */
  readonly publishServices?: boolean
}

/** What a university says about itself: one JSON file, INSTITUTION_FILE (docs/institution-file.md). */
export interface Institution {
  readonly name: LocalizedText
  /** A line under the name in the page header. */
  readonly tagline: LocalizedText
  readonly description: LocalizedText
  readonly url: LocalizedText
  readonly helpdesk: {
    readonly email: string
    readonly phone?: string
    readonly hours?: LocalizedText
  }
  readonly technicalContact: InstitutionContact
  readonly securityContact: InstitutionContact
  readonly informationUrl: LocalizedText
  readonly privacyStatementUrl: LocalizedText
  readonly termsUrl: LocalizedText
  readonly accessibilityUrl: LocalizedText
  /** https or data: URL for SAML metadata (mdui:Logo); the page header shows it too when set. */
  readonly logo?: { readonly url: string; readonly width: number; readonly height: number }
  /** CSS colours that replace the look's `--aegean` (actions) and header ground. */
  readonly colours?: { readonly action: string; readonly header: string }
  /** For schacHomeOrganizationType, e.g. `urn:schac:homeOrganizationType:eu:higherEducationalInstitution`. */
  readonly homeOrganizationType: string | readonly string[]
  /** Registrar of our metadata, for mdrpi:RegistrationInfo; the federation adds it when absent. */
  readonly registrationAuthority?: string
  readonly services: readonly ServiceLink[]
  /** Sender of our mail; the helpdesk's address when absent. */
  readonly mailFrom?: string
  /** Each when absent is named in general: the Secretariat, Human Resources, the technical contact. */
  readonly recordKeepers?: {
    readonly student?: RecordKeeper
    readonly staff?: RecordKeeper
    readonly affiliate?: RecordKeeper
    /** By departmentCode; goes before `student`. */
    readonly departments?: Readonly<Record<string, RecordKeeper>>
  }
  /** Shown at /info/terms and /info/privacy when termsUrl and privacyStatementUrl name those. */
  readonly terms?: PolicyText
  readonly privacy?: PolicyText
  readonly passwordRules?: Partial<PasswordRules>
  readonly activation?: Partial<ActivationRules>
  /** By departmentCode. */
  readonly departments?: Readonly<Record<string, Department>>
  readonly attributes?: AttributeRules
  readonly release?: ReleaseSettings
  readonly federation?: FederationFacts
}

/**
 * What somebody accepts who agrees to the terms today, recorded with the account. Texts without a
 * version of ours (on the institution's own site) are `unversioned`: acceptedAt then tells which.
 */
export function acceptedVersions(
  institution: Pick<Institution, 'terms' | 'privacy'>,
): Pick<AcceptedTerms, 'terms' | 'privacy'> {
  const versionOf = (text?: PolicyText) => text?.version ?? 'unversioned'
  return { terms: versionOf(institution.terms), privacy: versionOf(institution.privacy) }
}

export function activationRules(institution: Pick<Institution, 'activation'>): ActivationRules {
  return { contacts: 'any', taxNumberRequiredFor: [], ...institution.activation }
}

/**
 * Reads and checks the institution file.
 *
 * @throws {ConfigError} naming the file and each missing or wrong field
 */
export function loadInstitution(file: string): Institution {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError([`INSTITUTION_FILE: cannot read ${file}: ${(error as Error).message}`])
  }
  const problems = findInstitutionProblems(parsed).map(
    (problem) => `INSTITUTION_FILE ${file}: ${problem}`,
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return parsed as Institution
}
