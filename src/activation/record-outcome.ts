import type { ErrorCode } from '../errors.ts'
import { departmentNameOf } from '../people/departments.ts'
import { openNationalNumber } from '../people/national-number.ts'
import { recordKeeperFor } from '../record-keeper/record-keeper.ts'
import { formatDate } from '../web/date-time.ts'
import type { ActivationPages, StepRequest } from './activation-page.ts'
import {
  type ActivationSubject,
  checkRecord,
  loadActivationSubject,
  missingRecordFacts,
  type RecordCheck,
} from './record-check.ts'

/** Checks the record of the person who has just been identified, and leads on. */
export async function showRecord(pages: ActivationPages, step: StepRequest): Promise<void> {
  const check = await checkRecord(pages.context, pages.limiter, step.attempt)
  return showRecordCheck(pages, step, check)
}

export async function showRecordCheck(
  pages: ActivationPages,
  step: StepRequest,
  check: RecordCheck,
): Promise<void> {
  switch (check.outcome) {
    case 'unreachable':
      return pages.stop(step, 'ACTIVATION_AMKA_UNREACHABLE')
    case 'throttled':
      return pages.stop(step, 'ACTIVATION_THROTTLED', { minutes: check.minutes })
    default:
      return pages.goOn(step)
  }
}

/**
 * The page of an attempt that was stopped, with what the guides say it shows. Personal facts are
 * there only after the PIN has told who it is.
 */
export async function showStopped(
  pages: ActivationPages,
  step: StepRequest,
  code: ErrorCode,
): Promise<void> {
  const subject = await loadActivationSubject(pages.context, step.attempt)
  if (!subject) return pages.stop(step, code)
  const { person } = subject
  const data = helpFacts(pages, step, subject)
  if (code === 'ACTIVATION_DATA_MISSING') {
    return pages.show(
      step,
      'data-missing',
      { ...data, facts: requiredFacts(pages, step, subject) },
      403,
    )
  }
  const amka = person.nationalNumbers.find((number) => number.country === 'GR')
  if (code === 'ACTIVATION_AMKA_MISMATCH' && amka) {
    return showMismatch(pages, step, subject, {
      amka: openNationalNumber(pages.context.secrets, amka),
      isGiven: false,
    })
  }
  pages.stop(step, code, data)
}

/** The three facts that the registry compared, and what to do about each. */
export function showMismatch(
  pages: ActivationPages,
  step: StepRequest,
  subject: ActivationSubject,
  compared: { amka: string; isGiven: boolean },
): void {
  const { person } = subject
  pages.show(
    step,
    'amka-mismatch',
    {
      ...compared,
      lastName: person.lastName.el,
      birthDate: person.birthDate ? formatDate(person.birthDate, step.language) : '',
      ...helpFacts(pages, step, subject),
    },
    422,
  )
}

/** What the helpdesk needs to hear of whose record it is, and who corrects that record. */
function helpFacts(
  { context }: ActivationPages,
  { attempt, language, t }: StepRequest,
  { account, roles: [role] }: ActivationSubject,
) {
  return {
    username: account?.username,
    departmentName: role && departmentNameOf(role, context.institution)?.[language],
    registrationNumber: role?.registrationNumber,
    recordKeeper: recordKeeperFor(
      context.institution,
      attempt.role ?? 'student',
      role?.departmentCode,
      language,
      t,
    ),
  }
}

/** Username, AMKA, its country, birth date, each with its value or none (the guides' page). */
function requiredFacts(
  { context }: ActivationPages,
  step: StepRequest,
  subject: ActivationSubject,
) {
  const { person, account } = subject
  const [number] = person.nationalNumbers
  const facts = [
    { name: 'username', value: account?.username ?? '' },
    { name: 'amka', value: number ? openNationalNumber(context.secrets, number) : '' },
    { name: 'amkaCountry', value: number?.country ?? '' },
    {
      name: 'birthDate',
      value: person.birthDate ? formatDate(person.birthDate, step.language) : '',
    },
  ]
  const isTaxNumberMissing = missingRecordFacts(context, subject).includes('taxNumber')
  return isTaxNumberMissing ? [...facts, { name: 'taxNumber', value: '' }] : facts
}
