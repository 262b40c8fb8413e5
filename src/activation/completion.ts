import type { AppContext } from '../context.ts'
import { type ErrorCode, IdpError } from '../errors.ts'
import { acceptedVersions } from '../institution.ts'
import { hashingTurns } from '../login/hashing-turns.ts'
import { hashPassword } from '../login/password.ts'
import type { Account } from '../people/account.ts'
import { addActivatedRole, completeActivation } from '../people/activation.ts'
import { giveNationalNumber } from '../people/given-number.ts'
import { findAccount } from '../people/people-store.ts'
import type { ActivationAttempt } from './attempt.ts'
import { changeAttempt, endAttempt } from './attempt-store.ts'
import { countStage } from './funnel.ts'
import { type ActivationSubject, loadActivationSubject } from './record-check.ts'
import { recordedContacts } from './review-facts.ts'

type CompletionContext = Pick<AppContext, 'institution' | 'now'>

export type Completion =
  | { readonly outcome: 'done'; readonly account: Account; readonly subject: ActivationSubject }
  /** This attempt has made the account active before: another tab, or a crash after the write. */
  | { readonly outcome: 'done-before' }
  | { readonly outcome: 'stopped'; readonly code: ErrorCode }

/**
 * Makes the account active with the chosen password. The one write that counts is a single update of
 * the account (people/activation.ts): whatever crashes before leaves it pending, whatever crashes
 * after leaves it complete. A number that the person gave goes into the record first: left alone
 * there it is true all the same, and the next attempt finds it.
 */
export async function complete(
  context: CompletionContext,
  attempt: ActivationAttempt,
  password: string,
): Promise<Completion> {
  const subject = await loadActivationSubject(context, attempt)
  if (!subject?.account || hasChanged(attempt, subject)) {
    return stopped(context, attempt, 'ACTIVATION_RECORD_CHANGED')
  }
  const { person, account } = subject
  // Hashing takes long: who cannot finish any more is told before.
  if (account.state !== 'pending') return tooLate(context, attempt, account)
  const passwordHash = await hashingTurns.take(() => hashPassword(password))
  if (attempt.number) {
    const problem = await storeNumber(person._id, attempt)
    if (problem) return stopped(context, attempt, problem)
  }
  const now = context.now()
  const outcome = await completeActivation(
    person._id,
    {
      username: account.username,
      passwordHash,
      activatedRoles: attempt.role ? [attempt.role] : [],
      ...consentedContacts(attempt, subject),
      acceptedTerms: { ...acceptedVersions(context.institution), acceptedAt: now },
      activation: {
        reference: attempt.reference,
        way: 'pin',
        proven: attempt.proven ?? [],
        ...(attempt.numberCheckedBy ? { numberCheckedBy: attempt.numberCheckedBy } : {}),
        ...(attempt.number ? {} : { numberOnRecord: true }),
      },
    },
    now,
  )
  if (outcome === 'done') return finish(context, attempt, subject)
  const current = await findAccount(person._id)
  return outcome === 'not-pending' && current
    ? tooLate(context, attempt, current)
    : stopped(context, attempt, 'ACTIVATION_RECORD_CHANGED')
}

/** Activates one more role on an account that is active already. */
export async function completeSecondRole(
  context: CompletionContext,
  attempt: ActivationAttempt,
): Promise<Completion> {
  const subject = await loadActivationSubject(context, attempt)
  if (!subject?.account || !attempt.role || hasChanged(attempt, subject)) {
    return stopped(context, attempt, 'ACTIVATION_RECORD_CHANGED')
  }
  if (attempt.number) {
    const problem = await storeNumber(subject.person._id, attempt)
    if (problem) return stopped(context, attempt, problem)
  }
  const isAdded = await addActivatedRole(
    subject.person._id,
    attempt.role,
    consentedContacts(attempt, subject),
    context.now(),
  )
  if (!isAdded) return stopped(context, attempt, 'ACTIVATION_RECORD_CHANGED')
  return finish(context, attempt, subject)
}

async function finish(
  context: CompletionContext,
  attempt: ActivationAttempt,
  subject: ActivationSubject,
): Promise<Completion> {
  const isEnded = await endAttempt(context, attempt, { event: 'done', set: { step: 'done' } })
  if (isEnded && attempt.role) await countStage('done', attempt.role, context.now())
  const account = await findAccount(subject.person._id)
  if (!account) throw new Error(`account ${subject.person._id} vanished`)
  return { outcome: 'done', account, subject }
}

/**
 * Whether the records differ from what the person reviewed: another username, or another AMKA than
 * the one that was checked.
 */
function hasChanged(attempt: ActivationAttempt, { person, account }: ActivationSubject): boolean {
  if (account?.username !== attempt.username) return true
  const { checkedNumber, number } = attempt
  return (
    checkedNumber !== undefined &&
    number === undefined &&
    !person.nationalNumbers.some((held) => held.hmac === checkedNumber)
  )
}

async function storeNumber(
  personId: string,
  { number, numberCheckedBy }: ActivationAttempt,
): Promise<ErrorCode | undefined> {
  if (!number) return undefined
  // The embedded AMKA registry knows no more than the records, which lack this number.
  const given = numberCheckedBy === 'national' ? number : { ...number, isClaimed: true as const }
  try {
    return (await giveNationalNumber(personId, given)) === 'taken'
      ? 'ACTIVATION_NUMBER_TAKEN'
      : undefined
  } catch (error) {
    if (error instanceof IdpError && error.code === 'ACTIVATION_RECORD_CHANGED') return error.code
    throw error
  }
}

/** The account is not pending any more. */
function tooLate(
  context: CompletionContext,
  attempt: ActivationAttempt,
  account: Account,
): Promise<Completion> | Completion {
  if (account.activation?.reference === attempt.reference) return { outcome: 'done-before' }
  const isActive = account.state === 'active'
  return stopped(
    context,
    attempt,
    isActive ? 'ACTIVATION_ALREADY_ACTIVE' : 'ACTIVATION_ACCOUNT_STOPPED',
  )
}

function consentedContacts(attempt: ActivationAttempt, subject: ActivationSubject) {
  const { mobile, email } = recordedContacts(subject, attempt)
  return {
    ...(attempt.consentMobile && mobile !== undefined ? { mobile } : {}),
    ...(attempt.consentEmail && email !== undefined ? { email } : {}),
  }
}

async function stopped(
  context: CompletionContext,
  attempt: ActivationAttempt,
  code: ErrorCode,
): Promise<Completion> {
  await endAttempt(context, attempt, { event: 'stopped', detail: code, set: { stoppedBy: code } })
  return { outcome: 'stopped', code }
}

/** Takes the person's agreement to what they reviewed. */
export async function agree(
  context: Pick<AppContext, 'now'>,
  attempt: ActivationAttempt,
  agreed: { username: string; consentMobile: boolean; consentEmail: boolean },
): Promise<ActivationAttempt | null> {
  const now = context.now()
  const next = await changeAttempt(context, attempt, {
    set: { ...agreed, agreedAt: now, step: attempt.isSecondRole ? 'review' : 'password' },
    event: 'agreed',
    detail: [agreed.consentMobile && 'mobile', agreed.consentEmail && 'email']
      .filter(Boolean)
      .join(', '),
  })
  if (next && !attempt.agreedAt && attempt.role) await countStage('agreed', attempt.role, now)
  return next
}
