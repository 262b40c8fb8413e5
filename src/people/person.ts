import type { LocalizedText } from '../institution.ts'

export type RoleKind = 'student' | 'faculty' | 'staff' | 'affiliate'
export type RoleStatus = 'active' | 'suspended' | 'ended'
export type DegreeLevel = 'bachelor' | 'integrated-master' | 'master' | 'doctorate'

/** ISO 5218. */
export type Gender = 0 | 1 | 2 | 9

/**
 * A national number (AMKA, AFM, a foreign number) at rest: never in clear, never logged.
 * Looked up by `hmac` (keyed hash over `COUNTRY|NUMBER`), shown by opening `sealed` (AES-256-GCM).
 */
export interface SealedNationalNumber {
  /** ISO 3166-1 alpha-2, upper case, or `EU` (European health card). */
  readonly country: string
  /** Hex. */
  readonly hmac: string
  /** Base64url. */
  readonly sealed: string
  /**
   * The person gave it and nobody has confirmed it: it serves to look the person up and goes to no
   * service. Gone as soon as a source names the number.
   */
  readonly isClaimed?: true
}

/** One role of a person as a source system (student system, HR, affiliates) holds it. */
export interface PersonRole {
  /** Source system and its key: together unique over all people. */
  readonly source: string
  readonly sourceId: string
  readonly role: RoleKind
  readonly status: RoleStatus
  /** When the role ended or was suspended, as this system learnt it. */
  readonly statusChangedAt?: Date
  /** YYYY-MM-DD, both inclusive, in Europe/Athens. */
  readonly validFrom?: string
  readonly validTo?: string
  readonly departmentCode?: string
  /** The Ministry's code of the department, digits. */
  readonly ministryCode?: string
  readonly departmentName?: LocalizedText
  /** Student number or employee number. */
  readonly registrationNumber?: string
  readonly degreeLevel?: DegreeLevel
  /** The day of the degree, YYYY-MM-DD: makes an alum of who studied. */
  readonly graduatedOn?: string
  readonly enrollmentTerm?: string
  readonly attendanceType?: string
  readonly inscriptionTerm?: string
  readonly inscriptionYear?: string
  readonly inscriptionMethod?: string
  /** What an employee was hired as, and as what somebody serves. */
  readonly contractType?: string
  readonly position?: string
  /** Contact details as the source holds them; those the person set are in the Account. */
  readonly mobile?: string
  readonly email?: string
}

/** A natural person, joined from all source records by national number. Follows the sources. */
export interface Person {
  /** 128 random bits as 32 lower-case hex digits; never reassigned; left part of eduPersonUniqueId. */
  readonly _id: string
  readonly firstName: LocalizedText
  readonly lastName: LocalizedText
  /** Greek. */
  readonly fatherName?: string
  /** YYYY-MM-DD. */
  readonly birthDate?: string
  readonly gender: Gender
  /** ISO 3166-1 alpha-2, upper case. */
  readonly citizenship: readonly string[]
  /** AMKA (country GR) and social security numbers of other countries. */
  readonly nationalNumbers: readonly SealedNationalNumber[]
  readonly taxNumber?: SealedNationalNumber
  readonly roles: readonly PersonRole[]
  /** `0000-0002-1825-0097`. */
  readonly orcid?: string
  /** Life-long id from the AcademicID registry; absent until it has been allocated. */
  readonly academicId?: string
}

/**
 * The roles that count at `now`: active and inside their validity dates.
 * Ended and suspended roles give no attribute.
 */
export function currentRoles(person: Pick<Person, 'roles'>, now: Date): PersonRole[] {
  const today = athensDate(now)
  return person.roles.filter(
    (role) =>
      role.status === 'active' &&
      (role.validFrom === undefined || role.validFrom <= today) &&
      (role.validTo === undefined || today <= role.validTo),
  )
}

const athensFormat = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Athens',
  dateStyle: 'short',
})

/** Days begin on a whole quarter of an hour in every time zone, so within one nothing changes. */
const quarterMs = 15 * 60_000
let lastQuarter = { number: Number.NaN, date: '' }

/** The calendar date in Greece, YYYY-MM-DD: source systems give validity as Greek days. */
export function athensDate(now: Date): string {
  const number = Math.floor(now.getTime() / quarterMs)
  // Formatting costs more than all other work of a release, which asks for today's date each time.
  if (number !== lastQuarter.number) lastQuarter = { number, date: athensFormat.format(now) }
  return lastQuarter.date
}
