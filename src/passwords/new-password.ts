import { type SimpleRule, simpleRules } from '../../public/js/password-rules.js'
import type { PageText } from '../web/page-text.ts'
import { findPasswordProblems } from './password-policy.ts'
import type { PasswordPolicy, PasswordProblem } from './password-rules.ts'
import { suggestPasswords } from './suggest-passwords.ts'

/**
 * The new password out of a form with the fields of views/passwords/new-password.njk.
 *
 * @returns the password as it was typed, or an error for each field that needs one
 */
export function readNewPassword(
  body: { password?: unknown; passwordRepeat?: unknown },
  policy: PasswordPolicy,
): { password: string } | { errors: Record<string, PageText> } {
  const { password, passwordRepeat } = body
  if (typeof password !== 'string' || password === '') {
    return { errors: { password: { key: 'passwords.problem.missing' } } }
  }
  const [first, ...more] = findPasswordProblems(password, policy).map(problemText)
  const errors: Record<string, PageText> = {}
  if (first) errors.password = more.length > 0 ? { ...first, more } : first
  if (passwordRepeat !== password) {
    const isMissing = typeof passwordRepeat !== 'string' || passwordRepeat === ''
    errors.passwordRepeat = {
      key: isMissing ? 'passwords.problem.repeatMissing' : 'passwords.problem.repeatDiffers',
    }
  }
  return Object.keys(errors).length > 0 ? { errors } : { password }
}

/** The sentence that tells what to do about a broken rule. */
export function problemText(problem: PasswordProblem): PageText {
  const key = `passwords.problem.${problem.rule}`
  return problem.limit === undefined ? { key } : { key, values: { count: problem.limit } }
}

/** What views/passwords/new-password.njk shows, as its variable `passwordPage`. */
export interface PasswordPage {
  readonly rules: readonly { readonly name: string; readonly text: PageText }[]
  readonly suggestions: readonly string[]
  /** For the script of the page, which checks with the server's own code. */
  readonly live: { readonly rules: PasswordPolicy['rules']; readonly username: string }
  /** Tells password managers what they may make up (attribute `passwordrules`). */
  readonly managerRules: string
}

export function passwordPage(policy: PasswordPolicy): PasswordPage {
  return {
    rules: ruleTexts(policy.rules),
    suggestions: suggestPasswords(policy),
    live: { rules: policy.rules, username: policy.owner.username },
    managerRules: managerRules(policy.rules),
  }
}

/** The institution's rules as pages list them; one that asks for nothing (0) is left out. */
export function ruleTexts(rules: PasswordPolicy['rules']): PasswordPage['rules'] {
  return simpleRules
    .filter((name) => name === 'username' || name === 'maxDigitRun' || rules[name] > 0)
    .map((name) => ({
      name,
      text: { key: `passwords.rule.${name}`, values: ruleValues(name, rules) },
    }))
}

function ruleValues(name: SimpleRule, rules: PasswordPolicy['rules']): PageText['values'] {
  if (name === 'username') return undefined
  const count = rules[name]
  if (name !== 'maxDigitRun') return { count }
  // The shortest runs that are refused, as examples.
  const length = Math.min(count + 1, 9)
  return { count, rising: '123456789'.slice(0, length), falling: '987654321'.slice(0, length) }
}

/**
 * A generated password is longer than any rule asks for and has digits and hyphens, so that it is
 * accepted at once.
 */
function managerRules(rules: PasswordPolicy['rules']): string {
  const length = Math.max(20, rules.minLength)
  return `minlength: ${length}; required: lower; required: upper; required: digit; required: [-];`
}
