import type { AfmProblem } from './afm.ts'
import type { AmkaProblem } from './amka.ts'
import type { OrcidProblem } from './orcid.ts'
import type { Gender, PersonRole } from './person.ts'
import type { PhoneProblem } from './phone.ts'

/** The columns of a registry file; JSON Lines use the same names. */
export const registryColumns = [
  'source',
  'sourceId',
  'role',
  'status',
  'username',
  'amka',
  'ssnCountry',
  'ssn',
  'afm',
  'afmCountry',
  'firstNameEl',
  'lastNameEl',
  'firstNameEn',
  'lastNameEn',
  'fatherNameEl',
  'birthDate',
  'gender',
  'citizenship',
  'mobile',
  'email',
  'departmentCode',
  'ministryCode',
  'departmentNameEl',
  'departmentNameEn',
  'registrationNumber',
  'degreeLevel',
  'graduatedOn',
  'enrollmentTerm',
  'attendanceType',
  'inscriptionTerm',
  'inscriptionYear',
  'inscriptionMethod',
  'contractType',
  'position',
  'validFrom',
  'validTo',
  'orcid',
] as const

export type RegistryColumn = (typeof registryColumns)[number]

/** An absent column and an empty one mean the same: the source holds no such fact. */
export type RegistryRow = Readonly<Partial<Record<RegistryColumn, string>>>

export type RowProblemReason =
  | AmkaProblem
  | AfmProblem
  | PhoneProblem
  | OrcidProblem
  | 'REQUIRED'
  | 'NOT_ALLOWED'
  | 'NOT_FOR_THIS_ROLE'
  | 'COLON_OR_SPACE'
  | 'MINISTRY_CODE_CONTRADICTS_DEPARTMENT'
  | 'TOO_LONG'
  | 'CONTROL_CHARACTER'
  | 'NOT_UTF8'
  | 'USERNAME_PATTERN'
  | 'COUNTRY_UNKNOWN'
  | 'SSN_PATTERN'
  | 'SSN_COUNTRY_REQUIRED'
  | 'SSN_CONTRADICTS_AMKA'
  | 'AFM_PATTERN'
  | 'GREEK_NAME_REQUIRED'
  | 'NAME_REQUIRED'
  | 'NAME_NOT_GREEK'
  | 'NAME_NOT_LATIN'
  | 'DATE_INVALID'
  | 'DATE_IN_FUTURE'
  | 'DATE_BEFORE_VALID_FROM'
  | 'EMAIL_INVALID'
  | 'EMAIL_INSTITUTIONAL'

/** Why a row stays out. National numbers are masked: reports travel by mail. */
export interface RowProblem {
  readonly column: RegistryColumn
  readonly value: string
  readonly reason: RowProblemReason
}

/** Country (ISO 3166-1 alpha-2 or EU) and number, in clear: lives only while the row is read. */
export interface NationalNumber {
  readonly country: string
  readonly number: string
}

/** One row, every value checked and in its stored form. */
export interface RegistryRecord {
  readonly role: Omit<PersonRole, 'statusChangedAt'>
  readonly username?: string
  readonly firstName: { readonly el: string; readonly en: string }
  readonly lastName: { readonly el: string; readonly en: string }
  readonly fatherName?: string
  readonly birthDate?: string
  readonly gender: Gender
  readonly citizenship?: string
  readonly orcid?: string
  readonly nationalNumbers: readonly NationalNumber[]
  readonly taxNumber?: NationalNumber
}
