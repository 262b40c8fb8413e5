import { isRealDate } from '../people/calendar.ts'
import type { Person, PersonRole, SealedNationalNumber } from '../people/person.ts'

/**
 * Facts of a person and a role in the form that readers count on. The import checks the same; what
 * came into the store by another way, or before a check was there, does not go out.
 */

/** YYYY-MM-DD. */
export function birthDateOf({ birthDate }: Pick<Person, 'birthDate'>): string | undefined {
  return birthDate !== undefined && isRealDate(birthDate) ? birthDate : undefined
}

/** ISO 3166-1 alpha-2, lower case. */
export function citizenshipsOf({ citizenship }: Pick<Person, 'citizenship'>): readonly string[] {
  return citizenship.filter((code) => /^[A-Z]{2}$/.test(code)).map((code) => code.toLowerCase())
}

/** E.164. */
export function mobileOf({ mobile }: Pick<PersonRole, 'mobile'>): string | undefined {
  return mobile !== undefined && /^\+[1-9]\d{5,14}$/.test(mobile) ? mobile : undefined
}

/** National numbers that somebody other than the person stands for. */
export function vouchedNumbersOf({
  nationalNumbers,
}: Pick<Person, 'nationalNumbers'>): readonly SealedNationalNumber[] {
  return nationalNumbers.filter(({ isClaimed }) => !isClaimed)
}
