import type { AppContext } from '../context.ts'
import type { Limiter } from '../limits/limiter.ts'
import { findPerson } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import { type RoleChoice, roleChoiceOf } from '../people/role-choice.ts'
import type { ActivationAttempt } from './attempt.ts'
import { changeAttempt, endAttempt, noteEvent } from './attempt-store.ts'
import { wrongAnswerLimits } from './contact-limits.ts'

const factTries = 5
/** Wrong facts for one contact in a day, over all activations. */
const wrongFactsPerContact = 20

/**
 * Tells who it is, after the right PIN: the one person of the contact, or, when a family shares it,
 * the one whose birth date and then registration number the person gives. Whose there are is never
 * shown.
 *
 * @param attempt at step `fact`
 * @returns the attempt at step `number` with `personId`, or at `fact` with the fact to ask; null
 *   when another tab was faster
 */
export async function identify(
  context: Pick<AppContext, 'now'>,
  attempt: ActivationAttempt,
): Promise<ActivationAttempt | null> {
  return narrow(context, attempt, await loadCandidates(attempt), 'birthDate')
}

export type FactCheck =
  | { readonly outcome: 'right'; readonly attempt: ActivationAttempt }
  | { readonly outcome: 'wrong'; readonly triesLeft: number }
  | { readonly outcome: 'used-up' | 'overtaken' }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/**
 * Compares the fact that the attempt asks for with those who share the contact. A try is taken
 * before; the fifth wrong answer ends the activation.
 *
 * @param given YYYY-MM-DD, or a registration number
 */
export async function checkFact(
  context: Pick<AppContext, 'now'>,
  limiter: Limiter,
  attempt: ActivationAttempt,
  given: string,
): Promise<FactCheck> {
  const { fact } = attempt
  const limits = wrongAnswerLimits(attempt, 'activation-fact', wrongFactsPerContact)
  const minutes = await limiter.takeAll(limits)
  if (minutes > 0) {
    await noteEvent(context, attempt, 'throttled', 'wrong facts for this contact')
    return { outcome: 'throttled', minutes }
  }
  const tried = await changeAttempt(context, attempt, {
    when: { fact, factTriesLeft: { $gt: 0 } },
    increment: { factTriesLeft: -1 },
  })
  if (!tried || fact === undefined) return { outcome: 'overtaken' }
  const fitting = (await loadCandidates(attempt)).filter((person) =>
    holdsFact(person, attempt.role, fact, given),
  )
  if (fitting.length === 0) return wrongFact(context, tried)
  await Promise.all(limits.map((limit) => limiter.giveBack(limit)))
  const next = await narrow(context, tried, fitting, 'registrationNumber', 'fact-right')
  return next ? { outcome: 'right', attempt: next } : { outcome: 'overtaken' }
}

async function wrongFact(
  context: Pick<AppContext, 'now'>,
  tried: ActivationAttempt,
): Promise<FactCheck> {
  const triesLeft = tried.factTriesLeft ?? 0
  await noteEvent(context, tried, 'fact-wrong', `${tried.fact}, ${triesLeft} tries left`)
  if (triesLeft > 0) return { outcome: 'wrong', triesLeft }
  await endAttempt(context, tried, {
    event: 'stopped',
    detail: 'ACTIVATION_FACT_WRONG',
    set: { stoppedBy: 'ACTIVATION_FACT_WRONG' },
  })
  return { outcome: 'used-up' }
}

function narrow(
  context: Pick<AppContext, 'now'>,
  attempt: ActivationAttempt,
  people: readonly Person[],
  fact: 'birthDate' | 'registrationNumber',
  event?: 'fact-right',
): Promise<ActivationAttempt | null> {
  const [only, ...others] = people
  // A late tab must not ask anew, with new tries.
  const when = { fact: attempt.fact ?? { $exists: false } }
  if (only && others.length === 0) {
    return changeAttempt(context, attempt, {
      when,
      set: { step: 'number', personId: only._id },
      unset: ['candidates', 'fact', 'factTriesLeft'],
      event,
      detail: event && attempt.fact,
    })
  }
  // A record without a birth date could never be told from the others by it.
  const asked = people.every((person) => person.birthDate) ? fact : 'registrationNumber'
  return changeAttempt(context, attempt, {
    when,
    set: {
      fact: asked,
      factTriesLeft: factTries,
      candidates: people.map((person) => person._id),
    },
    event,
    detail: event && attempt.fact,
  })
}

async function loadCandidates(attempt: ActivationAttempt): Promise<Person[]> {
  const found = await Promise.all((attempt.candidates ?? []).map((id) => findPerson(id)))
  return found.filter((person) => person !== null)
}

function holdsFact(
  person: Person,
  role: RoleChoice | undefined,
  fact: 'birthDate' | 'registrationNumber',
  given: string,
): boolean {
  if (fact === 'birthDate') return person.birthDate === given
  const plain = (text: string) => text.replace(/\s/g, '').toUpperCase()
  return person.roles.some(
    (held) =>
      roleChoiceOf(held.role) === role &&
      held.registrationNumber !== undefined &&
      plain(held.registrationNumber) === plain(given),
  )
}
