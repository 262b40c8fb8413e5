import type { Institution, PasswordRules } from '../institution.ts'

/** What an institution that sets nothing gets. */
export const defaultPasswordRules: PasswordRules = {
  minLength: 8,
  minNonAlphabetic: 2,
  maxDigitRun: 3,
  minDifferent: 5,
}

/** The institution's rules, the default for each that it does not set. */
export function passwordRules(institution: Pick<Institution, 'passwordRules'>): PasswordRules {
  return { ...defaultPasswordRules, ...institution.passwordRules }
}

/** The first five are those of public/js/password-rules.js, which the page checks too. */
export type PasswordRule =
  | keyof PasswordRules
  | 'username'
  | 'maxBytes'
  | 'controlCharacter'
  | 'common'
  | 'ownData'

/** A rule that a password breaks. */
export interface PasswordProblem {
  readonly rule: PasswordRule
  /** The rule's number, for rules that have one. */
  readonly limit?: number
}

/** What others know or find out about the person: the first things that are tried. */
export interface PasswordOwner {
  /** Empty when it is not known yet. */
  readonly username: string
  /** First, last and father's name, Greek and Latin. */
  readonly names: readonly string[]
  /** AMKA, AFM, foreign, student and employee numbers, in clear: never logged or shown. */
  readonly numbers: readonly string[]
  /** E.164. */
  readonly phones: readonly string[]
  readonly emails: readonly string[]
  /** YYYY-MM-DD. */
  readonly birthDate?: string
}

/** Everything that a new password is held against. */
export interface PasswordPolicy {
  readonly rules: PasswordRules
  readonly owner: PasswordOwner
}
