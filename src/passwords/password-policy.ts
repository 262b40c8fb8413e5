import { brokenSimpleRules } from '../../public/js/password-rules.js'
import { maxPasswordBytes, preparePassword } from '../login/password.ts'
import { isCommonPassword } from './common-passwords.ts'
import { holdsOwnData } from './own-data.ts'
import type { PasswordPolicy, PasswordProblem } from './password-rules.ts'

/**
 * Control and format characters come with a paste (a line end, a zero-width space) and cannot be
 * typed again. The joiners stay: emoji and Persian are written with them.
 */
const untypable = /[\p{Cc}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u

/**
 * Every rule that a password breaks, those that the page shows first; empty: it may be used.
 * The password is looked at as it would be hashed.
 */
export function findPasswordProblems(password: string, policy: PasswordPolicy): PasswordProblem[] {
  const { rules, owner } = policy
  const prepared = preparePassword(password)
  // Before all other work: what is not hashed need not be searched either.
  if (Buffer.byteLength(prepared) > maxPasswordBytes) {
    return [{ rule: 'maxBytes', limit: maxPasswordBytes }]
  }
  const problems: PasswordProblem[] = brokenSimpleRules(prepared, rules, owner.username).map(
    (rule) => (rule === 'username' ? { rule } : { rule, limit: rules[rule] }),
  )
  if (untypable.test(prepared)) problems.push({ rule: 'controlCharacter' })
  if (isCommonPassword(prepared)) problems.push({ rule: 'common' })
  if (holdsOwnData(prepared, owner)) problems.push({ rule: 'ownData' })
  return problems
}
