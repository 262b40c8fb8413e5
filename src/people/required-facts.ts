import type { ActivationRules } from '../institution.ts'
import type { Secrets } from '../keys/secrets.ts'
import { checkAfm } from './afm.ts'
import { isCountryCode } from './country.ts'
import { checkForeignNumber, minForeignTaxNumber } from './foreign-number.ts'
import { openNationalNumber } from './national-number.ts'
import type { Person, PersonRole } from './person.ts'

/** A fact that the record must hold; the national number is asked of the person instead. */
export type RequiredFact = 'username' | 'birthDate' | 'taxNumber'

/**
 * What the source must fill in before the role can be activated.
 *
 * @param username of the person's account; undefined when no source has given one
 */
export function missingFacts(
  person: Pick<Person, 'birthDate' | 'taxNumber'>,
  username: string | undefined,
  role: Pick<PersonRole, 'role' | 'degreeLevel'>,
  rules: Pick<ActivationRules, 'taxNumberRequiredFor'>,
): RequiredFact[] {
  const missing: RequiredFact[] = []
  if (!username) missing.push('username')
  if (!person.birthDate) missing.push('birthDate')
  if (!person.taxNumber && rules.taxNumberRequiredFor.includes(taxNumberGroup(role))) {
    missing.push('taxNumber')
  }
  return missing
}

/** A student whose record does not say which degree is an undergraduate: most are, and they need less. */
function taxNumberGroup(
  role: Pick<PersonRole, 'role' | 'degreeLevel'>,
): ActivationRules['taxNumberRequiredFor'][number] {
  if (role.role === 'affiliate') return 'affiliate'
  if (role.role !== 'student') return 'staff'
  return role.degreeLevel === 'master' || role.degreeLevel === 'doctorate'
    ? 'postgraduate'
    : 'undergraduate'
}

/**
 * Whether the tax number on record, if there is one, is right for its country. The import checks
 * the same; other ways into the store need not have.
 */
export function taxNumberProblem(
  secrets: Pick<Secrets, 'get'>,
  person: Pick<Person, 'taxNumber'>,
): 'invalid' | undefined {
  if (!person.taxNumber) return undefined
  const { country } = person.taxNumber
  const number = openNationalNumber(secrets, person.taxNumber)
  const checked =
    country === 'GR'
      ? checkAfm(number)
      : checkForeignNumber(number, minForeignTaxNumber, 'AFM_PATTERN')
  return isCountryCode(country) && checked.value !== undefined ? undefined : 'invalid'
}
