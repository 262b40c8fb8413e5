import type { Institution } from '../institution.ts'
import { checkAfm } from './afm.ts'
import { checkAmka } from './amka.ts'
import { isRealDate } from './calendar.ts'
import type { Checked } from './checked.ts'
import { isCountryCode } from './country.ts'
import { departmentOf } from './departments.ts'
import { transliterate } from './elot743.ts'
import { checkPersonalEmail } from './email.ts'
import { checkForeignNumber, minForeignSsn, minForeignTaxNumber } from './foreign-number.ts'
import { plainGreek } from './greek-letters.ts'
import { maskNationalNumber } from './national-number.ts'
import { checkOrcid } from './orcid.ts'
import type { DegreeLevel, Gender, RoleKind, RoleStatus } from './person.ts'
import { checkPhone } from './phone.ts'
import {
  type NationalNumber,
  type RegistryColumn,
  type RegistryRecord,
  type RegistryRow,
  type RowProblem,
  type RowProblemReason,
  registryColumns,
} from './registry-record.ts'
import { degreeLevels, genders, roleKinds, roleStatuses } from './registry-values.ts'
import { isUsername } from './username.ts'

export interface RowCheckOptions {
  /** The institution's domain: a personal address is not under it. */
  readonly scope: string
  /** Today in Greece, YYYY-MM-DD. */
  readonly today: string
  /** The institution's table, where it has one. */
  readonly departments?: Institution['departments']
}

export type CheckedRow =
  | { readonly record: RegistryRecord; readonly problems?: undefined }
  | { readonly record?: undefined; readonly problems: readonly RowProblem[] }

/** Columns whose value a report must not show in full. */
const maskedColumns: ReadonlySet<RegistryColumn> = new Set(['amka', 'ssn', 'afm'])

const maxLength: Partial<Record<RegistryColumn, number>> = {
  source: 32,
  sourceId: 128,
  email: 254,
  departmentNameEl: 200,
  departmentNameEn: 200,
}

/** Values that stand inside `:`-separated URNs, whose readers count positions and never unescape. */
const urnColumns: ReadonlySet<RegistryColumn> = new Set([
  'departmentCode',
  'enrollmentTerm',
  'attendanceType',
  'inscriptionTerm',
  'inscriptionYear',
  'inscriptionMethod',
])

/**
 * Checks one row on its own and brings every value to its stored form. All problems are found in
 * one pass. Not checked here: what only the store knows (usernames and numbers of other people).
 *
 * A record is Greek when its citizenship is GR, or when it has an AMKA and names no citizenship;
 * then both names must be there in Greek letters. Anybody else needs a name in either script: the
 * missing Latin one is transcribed by ELOT 743, the missing Greek one is the Latin one as written.
 */
export function checkRegistryRow(row: RegistryRow, options: RowCheckOptions): CheckedRow {
  const problems: RowProblem[] = []
  const values = readValues(row, problems)
  const reject = (column: RegistryColumn, reason: RowProblemReason) => {
    // One reason a column: the first is the one to mend.
    if (problems.some((problem) => problem.column === column)) return
    problems.push({ column, value: shownValue(column, row[column] ?? ''), reason })
  }
  const take = <R extends RowProblemReason>(
    column: RegistryColumn,
    check: (text: string) => Checked<R>,
  ): string | undefined => {
    const text = values[column]
    if (text === undefined) return undefined
    const checked = check(text)
    if (checked.reason !== undefined) reject(column, checked.reason)
    return checked.value
  }
  const oneOf = <const T extends string>(column: RegistryColumn, allowed: readonly T[]) =>
    take(column, (text) =>
      allowed.includes(text as T) ? { value: text } : { reason: 'NOT_ALLOWED' },
    ) as T | undefined
  const matching = (column: RegistryColumn, pattern: RegExp, reason: RowProblemReason) =>
    take(column, (text) => (pattern.test(text) ? { value: text } : { reason }))
  const date = (column: RegistryColumn) =>
    take(column, (text) => (isRealDate(text) ? { value: text } : { reason: 'DATE_INVALID' }))
  const country = (column: RegistryColumn, allowEu = false) =>
    take(column, (text) => {
      const code = text.toUpperCase()
      const known = isCountryCode(code) || (allowEu && code === 'EU')
      return known ? { value: code } : { reason: 'COUNTRY_UNKNOWN' }
    })

  for (const column of ['source', 'sourceId', 'role'] as const) {
    if (values[column] === undefined) reject(column, 'REQUIRED')
  }
  matching('source', /^[A-Za-z0-9._-]+$/, 'NOT_ALLOWED')
  const role = oneOf('role', roleKinds) as RoleKind | undefined
  const status = (oneOf('status', roleStatuses) ?? 'active') as RoleStatus
  const username = take('username', (text) =>
    isUsername(text) ? { value: text } : { reason: 'USERNAME_PATTERN' },
  )

  const birthDate = date('birthDate')
  if (birthDate !== undefined && birthDate > options.today) reject('birthDate', 'DATE_IN_FUTURE')
  const citizenship = country('citizenship')
  const nationalNumbers = readNationalNumbers()
  const taxNumber = readTaxNumber()

  const hasAmka = nationalNumbers.some((entry) => entry.country === 'GR')
  const isGreek = citizenship === 'GR' || (citizenship === undefined && hasAmka)
  const firstName = readName('firstNameEl', 'firstNameEn')
  const lastName = readName('lastNameEl', 'lastNameEn')

  const validFrom = date('validFrom')
  const validTo = date('validTo')
  if (validFrom !== undefined && validTo !== undefined && validTo < validFrom) {
    reject('validTo', 'DATE_BEFORE_VALID_FROM')
  }
  const graduatedOn = date('graduatedOn')
  if (graduatedOn !== undefined) {
    if (role !== 'student') reject('graduatedOn', 'NOT_FOR_THIS_ROLE')
    if (validFrom !== undefined && graduatedOn < validFrom) {
      reject('graduatedOn', 'DATE_BEFORE_VALID_FROM')
    }
  }
  const mobile = take('mobile', checkPhone)
  const orcid = take('orcid', checkOrcid)
  const email = take('email', (text) => checkPersonalEmail(text, options.scope))
  const ministryCode = matching('ministryCode', /^\d{1,10}$/, 'NOT_ALLOWED')
  const expectedCode = departmentOf(values, options)?.ministryCode
  if (ministryCode !== undefined && expectedCode !== undefined && ministryCode !== expectedCode) {
    reject('ministryCode', 'MINISTRY_CODE_CONTRADICTS_DEPARTMENT')
  }
  const degreeLevel = oneOf('degreeLevel', degreeLevels) as DegreeLevel | undefined
  const gender = Number(oneOf('gender', genders) ?? '0') as Gender
  for (const column of urnColumns) matching(column, /^[^:]*$/, 'NOT_ALLOWED')
  for (const column of ['contractType', 'position'] as const) {
    matching(column, /^[^:\s]*$/, 'COLON_OR_SPACE')
  }
  matching('inscriptionYear', /^\d{4}(-\d{4})?$/, 'NOT_ALLOWED')

  if (problems.length > 0) return { problems }
  const { departmentNameEl, departmentNameEn } = values
  return {
    record: {
      role: compact({
        source: values.source as string,
        sourceId: values.sourceId as string,
        role: role as RoleKind,
        status,
        validFrom,
        validTo,
        departmentCode: values.departmentCode,
        ministryCode,
        departmentName: departmentName(departmentNameEl, departmentNameEn),
        registrationNumber: values.registrationNumber,
        degreeLevel,
        graduatedOn,
        enrollmentTerm: values.enrollmentTerm,
        attendanceType: values.attendanceType,
        inscriptionTerm: values.inscriptionTerm,
        inscriptionYear: values.inscriptionYear,
        inscriptionMethod: values.inscriptionMethod,
        contractType: values.contractType,
        position: values.position,
        mobile,
        email,
      }),
      ...compact({
        username,
        firstName,
        lastName,
        fatherName: values.fatherNameEl && plainGreek(values.fatherNameEl),
        birthDate,
        gender,
        citizenship,
        orcid,
        nationalNumbers,
        taxNumber,
      }),
    },
  }

  /** AMKA and a foreign number; `ssnCountry` GR with an AMKA in either column is the AMKA too. */
  function readNationalNumbers(): NationalNumber[] {
    const numbers: NationalNumber[] = []
    const ssnCountry = country('ssnCountry', true)
    const known = birthDate
    const amka = take('amka', (text) => checkAmka(text, known))
    if (amka !== undefined) numbers.push({ country: 'GR', number: amka })
    if (values.ssn === undefined) return numbers
    if (values.ssnCountry === undefined) reject('ssn', 'SSN_COUNTRY_REQUIRED')
    if (ssnCountry === 'GR') {
      const ssn = take('ssn', (text) => checkAmka(text, known))
      if (ssn === undefined || ssn === amka) return numbers
      if (values.amka !== undefined) reject('ssn', 'SSN_CONTRADICTS_AMKA')
      numbers.push({ country: 'GR', number: ssn })
      return numbers
    }
    const ssn = take('ssn', (text) => checkForeignNumber(text, minForeignSsn, 'SSN_PATTERN'))
    if (ssn !== undefined && ssnCountry !== undefined) {
      numbers.push({ country: ssnCountry, number: ssn })
    }
    return numbers
  }

  function readTaxNumber(): NationalNumber | undefined {
    const afmCountry = country('afmCountry') ?? 'GR'
    const afm = take('afm', (text) =>
      afmCountry === 'GR'
        ? checkAfm(text)
        : checkForeignNumber(text, minForeignTaxNumber, 'AFM_PATTERN'),
    )
    return afm === undefined ? undefined : { country: afmCountry, number: afm }
  }

  function readName(elColumn: RegistryColumn, enColumn: RegistryColumn) {
    const el = take(elColumn, (text) => {
      // A Latin A in a Greek name looks right and never matches: mixed scripts are refused.
      const wrong = /\p{Script=Latin}/u.test(text) && (isGreek || /\p{Script=Greek}/u.test(text))
      return wrong || !/\p{L}/u.test(text)
        ? { reason: 'NAME_NOT_GREEK' }
        : { value: plainGreek(text) }
    })
    const en = take(enColumn, (text) =>
      /\p{Script=Latin}/u.test(text) && !/\p{Script=Greek}/u.test(text)
        ? { value: text }
        : { reason: 'NAME_NOT_LATIN' },
    )
    if (values[elColumn] === undefined && isGreek) reject(elColumn, 'GREEK_NAME_REQUIRED')
    else if (values[elColumn] === undefined && values[enColumn] === undefined) {
      reject(elColumn, 'NAME_REQUIRED')
    }
    const greek = el ?? en ?? ''
    return { el: greek, en: en ?? transliterate(greek) }
  }
}

/**
 * Soft hyphen, zero-width space, marks of writing direction, byte order mark: left behind by copying,
 * they mean nothing in any column, and a student number with one matches nowhere. A sourceId keeps
 * them: it is the key under which the record came before.
 */
const invisible =
  /[\u{ad}\u{200b}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2064}\u{2066}-\u{2069}\u{feff}]/gu

/** Trimmed values without the empty ones; anything no column may hold is a problem. */
function readValues(row: RegistryRow, problems: RowProblem[]): Partial<RegistryRow> {
  const values: Partial<Record<RegistryColumn, string>> = {}
  for (const column of registryColumns) {
    const given = row[column] ?? ''
    const text = (column === 'sourceId' ? given : given.replace(invisible, ''))
      .trim()
      .normalize('NFC')
    if (text === '') continue
    values[column] = text
    let reason: RowProblemReason | undefined
    if (text.includes('\ufffd')) reason = 'NOT_UTF8'
    else if (/\p{Cc}/u.test(text)) reason = 'CONTROL_CHARACTER'
    else if (text.length > (maxLength[column] ?? 100)) reason = 'TOO_LONG'
    if (reason) problems.push({ column, value: shownValue(column, text), reason })
  }
  return values
}

/**
 * A value as reports show it: national numbers masked, also where a shifted column has put an AMKA
 * into another field.
 */
export function shownValue(column: RegistryColumn, value: string): string {
  const shown = maskedColumns.has(column)
    ? maskNationalNumber(value.trim())
    : value.replace(/(?<!\d)\d{11}(?!\d)/g, (digits) =>
        checkAmka(digits).value === undefined ? digits : maskNationalNumber(digits),
      )
  return shown.length > 100 ? `${shown.slice(0, 100)}…` : shown
}

function departmentName(el: string | undefined, en: string | undefined) {
  if (el === undefined && en === undefined) return undefined
  const greek = plainGreek(el ?? (en as string))
  return { el: greek, en: en ?? transliterate(greek) }
}

/** Without the undefined fields: the store would keep them as null. */
function compact<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
