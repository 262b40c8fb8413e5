import type { PasswordProblem, PasswordRule } from '../passwords/password-rules.ts'

const texts: Record<PasswordRule, string> = {
  minLength: 'must have at least {limit} characters',
  minNonAlphabetic: 'must have at least {limit} characters that are not letters',
  maxDigitRun: 'must not have more than {limit} consecutive digits in rising or falling order',
  username: 'is too like the username',
  minDifferent: 'must have at least {limit} different characters',
  maxBytes: 'must have at most {limit} bytes',
  controlCharacter: 'has characters that cannot be typed',
  common: 'is one of those that many use, or like one',
  ownData: "holds the person's name, number, phone, mail address or birth date",
}

/** For an administrator, who chose it for somebody else: the page's sentences speak to the owner. */
export function passwordProblemText(problem: PasswordProblem): string {
  return `the password ${texts[problem.rule].replace('{limit}', String(problem.limit))}`
}
