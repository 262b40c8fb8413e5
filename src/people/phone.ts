import type { Checked } from './checked.ts'

export type PhoneProblem = 'MOBILE_NOT_E164' | 'MOBILE_GREEK_LENGTH'

/**
 * Brings a phone number to E.164 (`+`, country code, at most 15 digits).
 *
 * Spaces, dots, hyphens and brackets go; `00` becomes `+`; a bare Greek mobile number
 * (`69XXXXXXXX`, also written `3069XXXXXXXX`) gets `+30`. Any other number without a country code
 * is refused: guessing the country would send somebody else's PIN abroad.
 */
export function checkPhone(text: string): Checked<PhoneProblem> {
  const bare = text.replace(/[\s\-.()\u00a0]/g, '').replace(/^00/, '+')
  const value = /^69\d{8}$/.test(bare) ? `+30${bare}` : bare.replace(/^(?=3069\d{8}$)/, '+')
  if (!/^\+[1-9]\d{6,14}$/.test(value)) return { reason: 'MOBILE_NOT_E164' }
  if (value.startsWith('+30') && value.length !== 13) return { reason: 'MOBILE_GREEK_LENGTH' }
  return { value }
}
