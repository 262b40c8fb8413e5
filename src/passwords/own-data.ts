import { greekKeys, latinKeys } from './greek-keyboard.ts'
import { shortNames } from './greek-short-names.ts'
import { bareSpelling, spellingPattern } from './greek-spelling.ts'
import type { PasswordOwner } from './password-rules.ts'

/** Letters of a name that are part of a password; shorter names are part of too many words. */
const minNameLetters = 4
/** Letters of a longer name's beginning that are enough: Greek names change at the end. */
const nameStemLetters = 5
/** Digits in a row of a number that are part of a password. */
const minNumberDigits = 5

/**
 * Whether a password holds a name of the person (or the beginning of a longer one, or the short
 * form that Greeks call it by), a part of a number, phone or mail address of theirs, or their
 * birth date. Names are found in Greek, by ELOT 743, in greeklish and with the keyboard in the
 * other language.
 */
export function holdsOwnData(password: string, owner: PasswordOwner): boolean {
  return (
    holdsName(password, [...owner.names, ...owner.emails.map(localPart)]) ||
    holdsNumber(password, owner) ||
    (owner.birthDate !== undefined && holdsDate(password, owner.birthDate))
  )
}

function holdsName(password: string, names: readonly string[]): boolean {
  const forms = [password, greekKeys(password), latinKeys(password)].map(bareSpelling)
  const parts = new Set(
    names.flatMap((name) => bareSpelling(name).split(/[^\p{L}]+/u)).flatMap(withShortNames),
  )
  return [...parts]
    .filter((part) => part.length >= minNameLetters)
    .flatMap(namePatterns)
    .some((pattern) => forms.some((form) => findsEnough(pattern, form)))
}

function withShortNames(part: string): string[] {
  return [part, ...shortNames(part)]
}

function namePatterns(part: string): RegExp[] {
  const stem = new RegExp(spellingPattern(part, nameStemLetters), 'gu')
  if (part.length < nameStemLetters) return [stem]
  // Fewer letters count when they are a word of their own: Niko-27 for Nikolaos, not Nikotine.
  const beginning = spellingPattern(part, minNameLetters)
  return [stem, new RegExp(`(?<!\\p{L})${beginning}(?!\\p{L})`, 'gu')]
}

/** A doubled letter may be written once, and θ with one sign: Άννα is not found in banana. */
function findsEnough(pattern: RegExp, form: string): boolean {
  return (form.match(pattern) ?? []).some((found) => found.length >= minNameLetters)
}

function localPart(email: string): string {
  return email.slice(0, email.lastIndexOf('@'))
}

function holdsNumber(password: string, owner: PasswordOwner): boolean {
  const known = [
    ...owner.numbers,
    // The country code is everybody's.
    ...owner.phones.map((phone) => phone.replace(/^\+30/, '')),
    ...owner.emails.map(localPart),
  ].flatMap((number) => number.replace(/[\s./-]/g, '').match(/\d+/g) ?? [])
  return digitRuns(password).some((run) => known.some((number) => sharesDigits(run, number)))
}

function sharesDigits(run: string, number: string): boolean {
  for (let at = 0; at + minNumberDigits <= run.length; at++) {
    if (number.includes(run.slice(at, at + minNumberDigits))) return true
  }
  return false
}

/** Runs of digits, also those written in groups: 12/03/2007, 6971 234 567. */
function digitRuns(password: string): string[] {
  return password.replace(/(?<=\d)[\s./_-]+(?=\d)/g, '').match(/\d+/g) ?? []
}

/** @param birthDate YYYY-MM-DD */
function holdsDate(password: string, birthDate: string): boolean {
  const [year = '', month = '', day = ''] = birthDate.split('-')
  const short = year.slice(2)
  const written = [
    `${day}${month}${short}`,
    `${month}${day}${short}`,
    `${short}${month}${day}`,
    `${day}${month}${year}`,
    `${month}${day}${year}`,
    `${year}${month}${day}`,
    `${year}${day}${month}`,
    `${Number(day)}${Number(month)}${year}`,
    `${Number(month)}${Number(day)}${year}`,
    `${month}${year}`,
    `${year}${month}`,
  ]
  // Four digits are a part of many numbers: the year, or day and month, count when they stand alone.
  const alone = [year, `${day}${month}`]
  return digitRuns(password).some(
    (run) => alone.includes(run) || written.some((date) => run.includes(date)),
  )
}
