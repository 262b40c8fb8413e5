import type { AmkaAnswer } from '../amka-registry/amka-registry.ts'
import type { AppContext } from '../context.ts'
import type { ErrorCode } from '../errors.ts'
import { activationRules } from '../institution.ts'
import type { Limit, Limiter } from '../limits/limiter.ts'
import { type Account, accountStanding } from '../people/account.ts'
import { openNationalNumber } from '../people/national-number.ts'
import { findAccount, findPerson } from '../people/people-store.ts'
import { athensDate, type Person, type PersonRole } from '../people/person.ts'
import { missingFacts, taxNumberProblem } from '../people/required-facts.ts'
import { canActivate, type RoleChoice, roleChoiceOf } from '../people/role-choice.ts'
import type { ActivationAttempt } from './attempt.ts'
import { changeAttempt, endAttempt, noteEvent } from './attempt-store.ts'
import { countStage } from './funnel.ts'

type CheckContext = Pick<AppContext, 'institution' | 'secrets' | 'now' | 'amkaRegistry'>

/** Questions to the AMKA registry about one person in a day. */
const questionsPerPerson = 20
const dayMs = 24 * 60 * 60_000

/** Who is being activated, as the store has it now. */
export interface ActivationSubject {
  readonly person: Person
  readonly account: Account | null
  /** Of the chosen kind, and open to activation today. */
  readonly roles: readonly PersonRole[]
}

/** @returns undefined when the person is gone or has no such role any more */
export async function loadActivationSubject(
  context: Pick<AppContext, 'now'>,
  attempt: Pick<ActivationAttempt, 'personId' | 'role'>,
): Promise<ActivationSubject | undefined> {
  if (attempt.personId === undefined || attempt.role === undefined) return undefined
  const [person, account] = await Promise.all([
    findPerson(attempt.personId),
    findAccount(attempt.personId),
  ])
  const roles = person ? rolesToActivate(person, attempt.role, context.now()) : []
  return person && roles.length > 0 ? { person, account, roles } : undefined
}

function rolesToActivate(person: Person, choice: RoleChoice, now: Date): PersonRole[] {
  const today = athensDate(now)
  return person.roles.filter(
    (role) => roleChoiceOf(role.role) === choice && canActivate(role, today),
  )
}

export type RecordCheck =
  | { readonly outcome: 'ready'; readonly attempt: ActivationAttempt }
  | { readonly outcome: 'ask-number' | 'overtaken' | 'unreachable' }
  | { readonly outcome: 'throttled'; readonly minutes: number }
  | { readonly outcome: 'stopped'; readonly code: ErrorCode }

/**
 * Looks at what the records hold of the identified person: whether the role is still to be activated,
 * whether everything needed is there, whether the numbers are right. A recorded AMKA is compared with
 * the AMKA registry here; one that is lacking is asked of the person.
 *
 * @param attempt at step `number` with `personId`
 */
export async function checkRecord(
  context: CheckContext,
  limiter: Limiter,
  attempt: ActivationAttempt,
): Promise<RecordCheck> {
  const subject = await loadActivationSubject(context, attempt)
  const code = subject
    ? findObstacle(context, attempt, subject)
    : ('ACTIVATION_RECORD_CHANGED' as const)
  if (!subject || code) return stop(context, attempt, code ?? 'ACTIVATION_RECORD_CHANGED')
  const { person } = subject
  if (person.nationalNumbers.length === 0) return { outcome: 'ask-number' }
  const recorded = person.nationalNumbers.find((number) => number.country === 'GR')
  if (!recorded) return proceed(context, attempt, subject, {})
  const checked = await askRegistry(
    context,
    limiter,
    attempt,
    person,
    openNationalNumber(context.secrets, recorded),
  )
  if (typeof checked === 'object') return checked
  if (checked === 'match') {
    return proceed(context, attempt, subject, {
      checkedNumber: recorded.hmac,
      numberCheckedBy: context.amkaRegistry.name,
    })
  }
  return stop(context, attempt, 'ACTIVATION_AMKA_MISMATCH')
}

/** Why the person cannot go on whatever they do here. */
export function findObstacle(
  context: Pick<AppContext, 'institution' | 'secrets' | 'now'>,
  { role: choice }: ActivationAttempt,
  { person, account, roles }: ActivationSubject,
): ErrorCode | undefined {
  if (account && account.state !== 'pending') {
    if (accountStanding(account, context.now()) !== 'active') return 'ACTIVATION_ACCOUNT_STOPPED'
    const isActivated = account.activatedRoles?.includes(choice as RoleChoice) ?? true
    if (isActivated) return 'ACTIVATION_ALREADY_ACTIVE'
  } else if (account && accountStanding(account, context.now()) === 'expired') {
    return 'ACTIVATION_ACCOUNT_STOPPED'
  }
  if (missingRecordFacts(context, { person, account, roles }).length > 0) {
    return 'ACTIVATION_DATA_MISSING'
  }
  if (taxNumberProblem(context.secrets, person)) return 'ACTIVATION_TAX_NUMBER_INVALID'
  return undefined
}

/** Facts that one of the roles needs and the record lacks. */
export function missingRecordFacts(
  context: Pick<AppContext, 'institution'>,
  { person, account, roles }: ActivationSubject,
) {
  const rules = activationRules(context.institution)
  return [...new Set(roles.flatMap((role) => missingFacts(person, account?.username, role, rules)))]
}

/**
 * Counts a question about a number: neither our registry nor our records may be walked through.
 *
 * @returns undefined when it may be asked
 */
export async function limitQuestions(
  context: Pick<AppContext, 'now'>,
  limiter: Limiter,
  attempt: ActivationAttempt,
): Promise<RecordCheck | undefined> {
  const limit: Limit = {
    name: 'activation-number',
    subject: attempt.personId as string,
    max: questionsPerPerson,
    windowMs: dayMs,
  }
  const minutes = await limiter.take(limit)
  if (minutes === 0) return undefined
  await noteEvent(context, attempt, 'throttled', 'questions about numbers')
  return { outcome: 'throttled', minutes }
}

/**
 * Asks the registry about a person's AMKA, within limits.
 *
 * @returns its yes or no, or why there is none
 */
export async function askRegistry(
  context: Pick<AppContext, 'amkaRegistry' | 'now'>,
  limiter: Limiter,
  attempt: ActivationAttempt,
  person: Person,
  amka: string,
): Promise<Extract<AmkaAnswer, 'match' | 'mismatch' | 'unknown'> | RecordCheck> {
  const limited = await limitQuestions(context, limiter, attempt)
  if (limited) return limited
  const answer = await context.amkaRegistry.check({
    amka,
    familyName: person.lastName.el,
    birthDate: person.birthDate as string,
  })
  await noteEvent(context, attempt, 'number-checked', `${context.amkaRegistry.name}: ${answer}`)
  // Our token being refused is nothing the person can mend: to them the registry is away too.
  if (answer === 'refused' || answer === 'unreachable') return { outcome: 'unreachable' }
  return answer
}

/** On to the review. */
export async function proceed(
  context: Pick<AppContext, 'now'>,
  attempt: ActivationAttempt,
  { account }: ActivationSubject,
  checked: Partial<ActivationAttempt>,
): Promise<RecordCheck> {
  const isSecondRole = account !== null && account.state !== 'pending'
  const next = await changeAttempt(context, attempt, {
    set: { ...checked, step: 'review', ...(isSecondRole ? { isSecondRole } : {}) },
  })
  if (!next) return { outcome: 'overtaken' }
  if (attempt.role) await countStage('numberChecked', attempt.role, context.now())
  return { outcome: 'ready', attempt: next }
}

/** Ends the attempt: somebody else has to do something first. */
export async function stop(
  context: Pick<AppContext, 'now'>,
  attempt: ActivationAttempt,
  code: ErrorCode,
): Promise<RecordCheck> {
  await endAttempt(context, attempt, { event: 'stopped', detail: code, set: { stoppedBy: code } })
  return { outcome: 'stopped', code }
}
