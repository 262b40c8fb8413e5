import { randomInt } from 'node:crypto'
import { findPasswordProblems } from './password-policy.ts'
import type { PasswordPolicy } from './password-rules.ts'
import { wordLists } from './word-lists.ts'

/** Found on the first page of a phone's signs. */
const signs = ['-', '.', '!', '?']
/** Without 0 and 1: all letters are small, so o and l are letters and nothing else. */
const digits = '23456789'

/** Suggestions that break a rule are thrown away; more than this in a row is a rule nobody can keep. */
const maxTries = 1000
/** Words and the number: more do not help any rule that can be kept. */
const maxParts = 20

/**
 * Passwords that keep the whole policy: three words, one sign between them, three digits, as in
 * `spoon-tiger-marsh-482`.
 *
 * Drawn evenly (node:crypto): 3 of some 4,350 words of 4 to 7 letters give 36 bits, one of four signs
 * 2, three of eight digits 9: 47 bits, less a thousandth for those that are thrown away.
 *
 * @throws {Error} when the rules leave nothing to suggest
 */
export function suggestPasswords(policy: PasswordPolicy, count = 5): string[] {
  const suggestions = new Set<string>()
  for (let tries = 0; suggestions.size < count; tries++) {
    if (tries > maxTries) {
      throw new Error(`no password could be made for the rules ${JSON.stringify(policy.rules)}`)
    }
    const password = makePassword(policy.rules)
    if (findPasswordProblems(password, policy).length === 0) suggestions.add(password)
  }
  return [...suggestions]
}

/** Strict rules make it longer: more digits for more characters beside letters, else more words. */
function makePassword(rules: PasswordPolicy['rules']): string {
  const sign = pick(signs)
  const digitCount = Math.max(3, rules.minNonAlphabetic - 3)
  const number = Array.from({ length: digitCount }, () => pick([...digits])).join('')
  const parts = [randomWord(), randomWord(), randomWord(), number]
  const isShort = () => {
    const password = parts.join(sign)
    return password.length < rules.minLength || new Set(password).size < rules.minDifferent
  }
  while (isShort() && parts.length < maxParts) parts.unshift(randomWord())
  return parts.join(sign)
}

function randomWord(): string {
  return pick(wordLists().phraseWords)
}

function pick<T>(from: readonly T[]): T {
  return from[randomInt(from.length)] as T
}
