import type { AppContext } from '../context.ts'
import type { Limiter } from '../limits/limiter.ts'
import { checkAmka } from '../people/amka.ts'
import { isCountryCode } from '../people/country.ts'
import { checkForeignNumber, minForeignSsn } from '../people/foreign-number.ts'
import { sealNationalNumber } from '../people/national-number.ts'
import { findPeople } from '../people/people-store.ts'
import type { PageText } from '../web/page-text.ts'
import type { ActivationAttempt } from './attempt.ts'
import { noteEvent } from './attempt-store.ts'
import {
  askRegistry,
  findObstacle,
  limitQuestions,
  loadActivationSubject,
  proceed,
  type RecordCheck,
  stop,
} from './record-check.ts'

/** A number as the person gave it, brought to form. */
export interface GivenNumber {
  /** ISO 3166-1 alpha-2, or `EU` for the European health insurance card. */
  readonly country: string
  readonly number: string
}

type ReadNumber =
  | { readonly given: GivenNumber; readonly errors?: undefined }
  | { readonly errors: Record<string, PageText>; readonly given?: undefined }

/** The number form as typed: an AMKA, or a country and its number. */
export function readNumber(typed: {
  kind: 'amka' | 'foreign'
  amka: string
  ssnCountry: string
  ssn: string
}): ReadNumber {
  if (typed.kind === 'amka') {
    const checked = checkAmka(typed.amka)
    if (checked.value !== undefined) return { given: { country: 'GR', number: checked.value } }
    if (typed.amka === '') return { errors: { amka: { key: 'activation.error.amkaMissing' } } }
    const isLength = checked.reason === 'AMKA_NOT_11_DIGITS'
    const key = isLength ? 'activation.error.amkaLength' : 'activation.error.amkaWrong'
    return { errors: { amka: { key } } }
  }
  const errors: Record<string, PageText> = {}
  const country = typed.ssnCountry.toUpperCase()
  // A Greek number is an AMKA, which the other form asks for and the registry checks.
  const isKnown = (isCountryCode(country) || country === 'EU') && country !== 'GR'
  if (!isKnown) errors.ssnCountry = { key: 'activation.error.ssnCountry' }
  const checked = checkForeignNumber(typed.ssn, minForeignSsn, 'SSN_PATTERN')
  if (checked.value === undefined) errors.ssn = { key: 'activation.error.ssn' }
  return checked.value !== undefined && isKnown
    ? { given: { country, number: checked.value } }
    : { errors }
}

/** mismatch: the registry knows no such AMKA for this surname and birth date; another may be typed. */
export type NumberCheck = RecordCheck | { readonly outcome: 'mismatch' }

/**
 * Takes a number that the record lacks: an AMKA must be registered with this surname and birth date;
 * a foreign number nobody here can check. It is kept with the attempt, sealed, until the person has
 * agreed and chosen a password.
 */
export async function takeNumber(
  context: Pick<AppContext, 'institution' | 'secrets' | 'now' | 'amkaRegistry'>,
  limiter: Limiter,
  attempt: ActivationAttempt,
  given: GivenNumber,
): Promise<NumberCheck> {
  const subject = await loadActivationSubject(context, attempt)
  // A number that came into the record meanwhile outranks what is typed.
  if (!subject || subject.person.nationalNumbers.length > 0) {
    return stop(context, attempt, 'ACTIVATION_RECORD_CHANGED')
  }
  // The check after the PIN may have been cut short, or outrun by this request.
  const obstacle = findObstacle(context, attempt, subject)
  if (obstacle) return stop(context, attempt, obstacle)
  await noteEvent(
    context,
    attempt,
    'number-given',
    given.country === 'GR' ? 'AMKA' : `number of ${given.country}`,
  )
  const sealed = sealNationalNumber(context.secrets, given.country, given.number)
  const isAmka = given.country === 'GR'
  if (isAmka) {
    const answer = await askRegistry(context, limiter, attempt, subject.person, given.number)
    if (typeof answer === 'object') return answer
    if (answer !== 'match') return { outcome: 'mismatch' }
  } else {
    const limited = await limitQuestions(context, limiter, attempt)
    if (limited) return limited
  }
  const [holder] = await findPeople({ 'nationalNumbers.hmac': sealed.hmac })
  if (holder && holder._id !== attempt.personId) {
    return stop(context, attempt, 'ACTIVATION_NUMBER_TAKEN')
  }
  return proceed(context, attempt, subject, {
    number: sealed,
    checkedNumber: sealed.hmac,
    ...(isAmka ? { numberCheckedBy: context.amkaRegistry.name } : {}),
  })
}
