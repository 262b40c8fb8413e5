import type { AppContext } from '../context.ts'
import { departmentNameOf } from '../people/departments.ts'
import { openNationalNumber } from '../people/national-number.ts'
import type { SealedNationalNumber } from '../people/person.ts'
import { formatDate } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import type { ActivationAttempt } from './attempt.ts'
import type { ActivationSubject } from './record-check.ts'

/** What the records hold, as the person reviews it. */
export function reviewFacts(
  context: Pick<AppContext, 'institution' | 'secrets'>,
  attempt: Pick<ActivationAttempt, 'number' | 'mobile' | 'email'>,
  subject: ActivationSubject,
  language: Language,
) {
  const { person, account, roles } = subject
  const open = (entry: SealedNationalNumber) => ({
    country: entry.country,
    number: openNationalNumber(context.secrets, entry),
  })
  const numbers = person.nationalNumbers.length > 0 ? person.nationalNumbers : [attempt.number]
  return {
    // As papers have it; who has no Greek name has the Latin one there.
    fullName: `${person.firstName[language]} ${person.lastName[language]}`,
    username: account?.username,
    roles: roles.map((role) => ({
      kind: role.role,
      degreeLevel: role.degreeLevel,
      departmentName: departmentNameOf(role, context.institution)?.[language],
      registrationNumber: role.registrationNumber,
    })),
    numbers: numbers.filter((entry) => entry !== undefined).map(open),
    taxNumber: person.taxNumber && open(person.taxNumber),
    fatherName: person.fatherName,
    birthDate: person.birthDate && formatDate(person.birthDate, language),
    gender: person.gender,
    ...recordedContacts(subject, attempt),
  }
}

/**
 * The contacts that the source holds for the chosen role: what consent is asked for. Of two records
 * of the same kind the one counts whose contact the person has just shown to be theirs.
 */
export function recordedContacts(
  { roles }: Pick<ActivationSubject, 'roles'>,
  proven: Pick<ActivationAttempt, 'mobile' | 'email'>,
): { mobile?: string; email?: string } {
  const pick = (field: 'mobile' | 'email') => {
    const held = roles.map((role) => role[field]).filter((contact) => contact !== undefined)
    return held.find((contact) => contact === proven[field]) ?? held[0]
  }
  return { mobile: pick('mobile'), email: pick('email') }
}
