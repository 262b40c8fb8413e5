import type { Checked } from './checked.ts'

export type AfmProblem = 'AFM_NOT_9_DIGITS' | 'AFM_CHECK_DIGIT_WRONG'

/**
 * Checks a Greek tax number and brings it to nine digits: separators and a leading `EL` (in
 * either script) or `GR` go, an eight-digit number of before 1998 gets its leading zero.
 *
 * All zeros pass the sum, so they are refused by name.
 */
export function checkAfm(text: string): Checked<AfmProblem> {
  const bare = text.replace(/[\s\-./:]/g, '').replace(/^(EL|ΕΛ|GR)/i, '')
  const value = bare.length === 8 ? `0${bare}` : bare
  if (!/^[0-9]{9}$/.test(value)) return { reason: 'AFM_NOT_9_DIGITS' }
  if (value === '000000000' || afmCheckDigit(value.slice(0, 8)) !== value[8]) {
    return { reason: 'AFM_CHECK_DIGIT_WRONG' }
  }
  return { value }
}

/** Sum of digits weighted 256, 128 … 2; modulo 11, then 10 counts as 0. */
export function afmCheckDigit(eightDigits: string): string {
  let sum = 0
  for (let index = 0; index < 8; index++) sum += Number(eightDigits[index]) * 2 ** (8 - index)
  return String((sum % 11) % 10)
}
