import { greekKeys, latinKeys } from './greek-keyboard.ts'
import { shortNames } from './greek-short-names.ts'
import { bareSpelling, spellingPattern } from './greek-spelling.ts'
import type { PasswordOwner } from './password-rules.ts'

/** Letters of a name that are part of a password; shorter names are part of too many words. */
const minNameLetters = 4
/** Letters of a longer name's beginning that are enough: Greek names change at the end. */
const nameStemLetters = 5
/**
 * Letters of a name that are compared at all. The pattern of a long one could keep the search busy
 * for ever (a mail address is what its owner likes: `iiii…`), and this many say enough.
 */
const maxNameLetters = 10
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
    holdsName(password, owner) ||
    holdsNumber(password, owner) ||
    (owner.birthDate !== undefined && holdsDate(password, owner.birthDate))
  )
}

function holdsName(password: string, owner: PasswordOwner): boolean {
  const forms = [password, greekKeys(password), latinKeys(password)].map(bareSpelling)
  return patternsOf(owner).some(({ pattern, minFound }) =>
    // A doubled letter may be written once, and ου with one: still Άννα is not found in banana.
    forms.some((form) => form.match(pattern)?.some((found) => found.length >= minFound)),
  )
}

interface NamePattern {
  readonly pattern: RegExp
  /** Characters that are enough. */
  readonly minFound: number
}

/** A page with suggestions asks several times about one owner, and making patterns is most of it. */
const knownPatterns = new WeakMap<PasswordOwner, readonly NamePattern[]>()

function patternsOf(owner: PasswordOwner): readonly NamePattern[] {
  let patterns = knownPatterns.get(owner)
  if (!patterns) {
    const parts = [...owner.names, ...owner.emails.map(localPart)]
      .flatMap((name) => bareSpelling(name).split(/[^\p{L}]+/u))
      .flatMap((part) => [part, ...shortNames(part)])
      .filter((part) => part.length >= minNameLetters)
    patterns = [...new Set(parts)].flatMap(namePatterns)
    knownPatterns.set(owner, patterns)
  }
  return patterns
}

function namePatterns(part: string): NamePattern[] {
  const patterns = [{ pattern: spellingPattern(part, maxNameLetters), minFound: minNameLetters }]
  if (part.length >= nameStemLetters) {
    patterns.push({
      pattern: spellingPattern(part, nameStemLetters),
      minFound: nameStemLetters,
    })
    // Fewer letters count when they are a word of their own: niko-27 for Nikolaos, not nikotine.
    patterns.push({
      pattern: `(?<!\\p{L})${spellingPattern(part, minNameLetters)}(?!\\p{L})`,
      minFound: minNameLetters,
    })
  }
  return patterns.map(({ pattern, minFound }) => ({ pattern: new RegExp(pattern, 'gu'), minFound }))
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
  return password.replace(/(?<=\d)[\s./_()-]+(?=\d)/g, '').match(/\d+/g) ?? []
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
