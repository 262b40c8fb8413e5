import type { Secrets } from '../keys/secrets.ts'
import { checkAmka } from '../people/amka.ts'
import { nationalNumberHmac } from '../people/national-number.ts'
import { findPeople } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import { foldSurname } from '../people/surname.ts'
import type { AmkaQuestion, AmkaRegistry } from './amka-registry.ts'

/**
 * Answers from the imported records, for the demo and sites without access to the national
 * registry. It cannot know a number that no source holds: there it trusts a well-formed one that
 * goes with the birth date, if the records have such a person still without an AMKA.
 */
export function embeddedRegistry(secrets: Pick<Secrets, 'get'>): AmkaRegistry {
  return {
    name: 'embedded',
    async check(question) {
      const hmac = nationalNumberHmac(secrets, 'GR', question.amka)
      const [holder] = await findPeople({ 'nationalNumbers.hmac': hmac })
      if (holder) return isAbout(question, holder) ? 'match' : 'mismatch'
      if (checkAmka(question.amka, question.birthDate).value !== question.amka) return 'unknown'
      const bornThatDay = await findPeople({ birthDate: question.birthDate })
      const isExpected = bornThatDay.some(
        (person) =>
          isAbout(question, person) &&
          !person.nationalNumbers.some((number) => number.country === 'GR'),
      )
      return isExpected ? 'match' : 'unknown'
    },
  }
}

/** The surname in either script: the record of a foreigner may have the Latin one only. */
function isAbout(question: AmkaQuestion, person: Person): boolean {
  const surname = foldSurname(question.familyName)
  return (
    surname !== '' &&
    person.birthDate === question.birthDate &&
    [person.lastName.el, person.lastName.en].some((name) => foldSurname(name) === surname)
  )
}
