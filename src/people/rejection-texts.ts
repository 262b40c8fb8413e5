import type { RejectionProblem } from './registry-import.ts'
import type { RegistryColumn } from './registry-record.ts'
import { degreeLevels, genders, roleKinds, roleStatuses } from './registry-values.ts'

/** What to tell whoever keeps the source system, beside the code. */
export const rejectionTexts: Readonly<Record<RejectionProblem['reason'], string>> = {
  REQUIRED: 'must not be empty',
  NOT_ALLOWED: 'is not one of the values allowed here',
  NOT_FOR_THIS_ROLE: 'is for students only',
  COLON_OR_SPACE: 'must have no colon and no space',
  MINISTRY_CODE_CONTRADICTS_DEPARTMENT:
    'is not the code that the institution file gives this department: mend whichever is wrong',
  TOO_LONG: 'is too long',
  CONTROL_CHARACTER: 'has a control character, such as a line break',
  NOT_UTF8: 'is not UTF-8 text',
  USERNAME_PATTERN: 'must be 3 to 32 of a-z, 0-9, dot, underscore, hyphen',
  AMKA_NOT_11_DIGITS: 'must have 11 digits',
  AMKA_DATE_INVALID: 'does not begin with a date (DDMMYY)',
  AMKA_CHECK_DIGIT_WRONG: 'has a wrong digit',
  AMKA_BIRTH_DATE_MISMATCH: 'does not fit the birth date',
  COUNTRY_UNKNOWN: 'must be an ISO 3166-1 code of two letters',
  SSN_PATTERN: 'must be 4 to 32 letters and digits',
  SSN_COUNTRY_REQUIRED: 'needs its country in ssnCountry',
  SSN_CONTRADICTS_AMKA: 'is another AMKA than the one in amka',
  AFM_NOT_9_DIGITS: 'must have 9 digits',
  AFM_CHECK_DIGIT_WRONG: 'has a wrong digit',
  AFM_PATTERN: 'must be 2 to 32 letters and digits',
  GREEK_NAME_REQUIRED: 'must not be empty in a Greek record (citizenship GR, or AMKA alone)',
  NAME_REQUIRED: 'is empty, and so is the Latin name',
  NAME_NOT_GREEK: 'must be in Greek letters only',
  NAME_NOT_LATIN: 'must be in Latin letters only',
  DATE_INVALID: 'must be a date, YYYY-MM-DD',
  DATE_IN_FUTURE: 'is in the future',
  DATE_BEFORE_VALID_FROM: 'is before validFrom',
  MOBILE_NOT_E164: 'must begin with + and the country code (69XXXXXXXX is read as +30)',
  MOBILE_GREEK_LENGTH: 'must have 10 digits after +30',
  ORCID_PATTERN: 'must be an ORCID iD, such as 0000-0002-1825-0097',
  ORCID_CHECK_CHARACTER_WRONG: 'has a wrong digit',
  EMAIL_INVALID: 'is not a mail address',
  EMAIL_INSTITUTIONAL: "is the institution's own; a personal one is needed",
  NUMBERS_OF_DIFFERENT_PEOPLE: 'and the other number belong to two different people',
  NUMBER_OF_ANOTHER_PERSON:
    'belongs to another person than this sourceId: are they one? Decide by hand',
  NUMBER_GIVEN_BY_ANOTHER_PERSON:
    'was given at activation by somebody of another name or birth date: whose is it? Decide by hand',
  SOURCE_ID_OF_ANOTHER_PERSON: 'belonged to somebody else: a sourceId must not be given again',
  USERNAME_OF_ANOTHER_PERSON: 'belongs to another person',
  USERNAME_DIFFERS_FROM_OTHER_RECORD: "differs from the one in the person's other record",
  USERNAME_OF_ACTIVATED_ACCOUNT: 'differs from that of the account, which is activated already',
  REPEATED_IN_FILE: 'stands in the file before',
  CSV_FIELD_COUNT: 'has more or fewer values than the header',
  CSV_QUOTES: 'has quotes that do not match',
  JSON_INVALID: 'is not JSON',
  JSON_NOT_AN_OBJECT: 'is not a JSON object',
  JSON_VALUE_NOT_TEXT: 'has a value that is neither text nor a whole number',
}

const noColon = 'must have no colon'

/** What NOT_ALLOWED means, column by column. */
const allowedTexts: Partial<Record<RegistryColumn, string>> = {
  source: 'must be letters, digits, dot, underscore, hyphen',
  role: `must be ${oneOf(roleKinds)}`,
  status: `must be empty or ${oneOf(roleStatuses)}`,
  gender: `must be empty or ${oneOf(genders)}`,
  degreeLevel: `must be empty or ${oneOf(degreeLevels)}`,
  ministryCode: 'must be 1 to 10 digits',
  departmentCode: noColon,
  enrollmentTerm: noColon,
  attendanceType: noColon,
  inscriptionTerm: noColon,
  inscriptionMethod: noColon,
  inscriptionYear: 'must be a year, such as 2025 or 2025-2026',
}

/** The same, with what the column takes where the reason alone does not say. */
export function rejectionText(column: string, reason: RejectionProblem['reason']): string {
  const allowed = reason === 'NOT_ALLOWED' && allowedTexts[column as RegistryColumn]
  return allowed || rejectionTexts[reason]
}

function oneOf(values: readonly string[]): string {
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
