import { isRealDate } from './calendar.ts'
import type { Checked } from './checked.ts'

export type AmkaProblem =
  | 'AMKA_NOT_11_DIGITS'
  | 'AMKA_DATE_INVALID'
  | 'AMKA_CHECK_DIGIT_WRONG'
  | 'AMKA_BIRTH_DATE_MISMATCH'

/**
 * Checks a Greek social security number, `DDMMYYNNNNC`, and strips spaces and hyphens.
 *
 * The century is not in the number: with no birth date the date part need only exist in 19YY or
 * 20YY. With one, day, month and two-digit year must agree. Not checked: whether the number was
 * ever given out, and to whom. Digit 10 tells the sex; it is not ours to derive.
 */
export function checkAmka(text: string, birthDate?: string): Checked<AmkaProblem> {
  const value = text.replace(/[\s-]/g, '')
  if (!/^[0-9]{11}$/.test(value)) return { reason: 'AMKA_NOT_11_DIGITS' }
  const [day, month, year] = [value.slice(0, 2), value.slice(2, 4), value.slice(4, 6)]
  if (!isRealDate(`19${year}-${month}-${day}`) && !isRealDate(`20${year}-${month}-${day}`)) {
    return { reason: 'AMKA_DATE_INVALID' }
  }
  if (!passesLuhn(value)) return { reason: 'AMKA_CHECK_DIGIT_WRONG' }
  if (birthDate !== undefined && birthDate.slice(2) !== `${year}-${month}-${day}`) {
    return { reason: 'AMKA_BIRTH_DATE_MISMATCH' }
  }
  return { value }
}

/** The Luhn digit that completes ten digits to an AMKA. */
export function amkaCheckDigit(tenDigits: string): string {
  for (let digit = 0; digit <= 9; digit++) {
    if (passesLuhn(`${tenDigits}${digit}`)) return String(digit)
  }
  throw new Error('amkaCheckDigit: ten digits expected')
}

/** ISO/IEC 7812-1 annex B: from the right, every second digit counts double, digit sum of each. */
function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const weighted = index % 2 === 1 ? digit * 2 : digit
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}
