import { findEventsByReference, findEventsOfPerson } from '../audit/read-audit-log.ts'
import type { AppContext } from '../context.ts'
import { maskContact } from '../messages/mask.ts'
import { findMessagesByReference } from '../messages/message-store.ts'
import type { DeliveryState, MessageChannel, MessageKind } from '../messages/messages.ts'
import { findAccount } from '../people/people-store.ts'
import type { ActivationAttempt, ActivationEvent } from './attempt.ts'
import { AttemptModel } from './attempt-model.ts'

/** How an attempt stands: open ones can still go on. */
export type AttemptState = 'open' | 'done' | 'stopped' | 'replaced' | 'left' | 'expired'

/** A message of an attempt, for people who must not learn the address. */
export interface ReportedMessage {
  readonly channel: MessageChannel
  readonly kind: MessageKind
  /** Masked. */
  readonly to: string
  readonly at: Date
  readonly state: DeliveryState
  readonly tries: number
  /** What the mail server or gateway said last. */
  readonly lastError?: string
}

/** What the helpdesk may know of an attempt: no secret, no number, no full address. */
export interface AttemptReport
  extends Pick<
    ActivationAttempt,
    | 'reference'
    | 'role'
    | 'language'
    | 'step'
    | 'startedAt'
    | 'expiresAt'
    | 'endedAt'
    | 'stoppedBy'
    | 'proven'
    | 'fact'
    | 'factTriesLeft'
    | 'numberCheckedBy'
    | 'isSecondRole'
  > {
  readonly state: AttemptState
  readonly username?: string
  /** Masked, while the attempt holds them. */
  readonly contacts: readonly string[]
  /** People whose records hold the contact. */
  readonly candidates?: number
  readonly pinsSent: number
  readonly pin?: { readonly sentAt: Date; readonly expiresAt: Date; readonly triesLeft: number }
  readonly messages: readonly ReportedMessage[]
  readonly events: readonly ActivationEvent[]
}

/** A try with a passphrase on paper: one request, known from the audit log. */
export interface CodeTryReport {
  readonly reference: string
  readonly at: Date
  readonly result: 'success' | 'failure'
  /** The account was active before and has a new password. */
  readonly isRenewal?: boolean
  /** CodeRefusal or ErrorCode. */
  readonly reason?: string
  readonly username?: string
}

/** Capital Greek letters that look like one of a reference, as somebody types what they are told. */
const greekShapes: Readonly<Record<string, string>> = {
  Α: 'A',
  Β: 'B',
  Ε: 'E',
  Ζ: 'Z',
  Η: 'H',
  Κ: 'K',
  Μ: 'M',
  Ν: 'N',
  Ρ: 'P',
  Τ: 'T',
  Υ: 'Y',
  Χ: 'X',
}

/** `k7f2qx` as people write it down, in the form `K7F-2QX`. */
export function normalizeReference(text: string): string {
  const letters = text
    .toUpperCase()
    .replace(/[Α-Ω]/g, (letter) => greekShapes[letter] ?? '')
    .replace(/[^A-Z0-9]/g, '')
  return `${letters.slice(0, 3)}-${letters.slice(3)}`
}

/** @param reference brought to form by normalizeReference() */
export async function findAttemptReport(
  context: Pick<AppContext, 'messages' | 'now'>,
  reference: string,
): Promise<AttemptReport | undefined> {
  const attempt = await AttemptModel.findOne({ reference }).lean<ActivationAttempt | null>()
  if (!attempt) return undefined
  const [account, messages] = await Promise.all([
    attempt.personId === undefined ? null : findAccount(attempt.personId),
    reportMessages(context, reference),
  ])
  return {
    ...report(attempt, context.now()),
    ...(account && { username: account.username }),
    messages,
  }
}

/** A person's attempts, newest first. */
export async function listAttempts(personId: string, now: Date): Promise<AttemptReport[]> {
  const attempts = await AttemptModel.find({ personId })
    .sort({ startedAt: -1 })
    .lean<ActivationAttempt[]>()
  return attempts.map((attempt) => ({ ...report(attempt, now), messages: [] }))
}

const codeEvents: readonly string[] = ['activation.code', 'activation.done', 'recovery.done']
const isCodeTry = ({ event, details }: { event: string; details?: object }) =>
  codeEvents.includes(event) && (details as { way?: unknown } | undefined)?.way === 'passphrase'

/** @param reference brought to form by normalizeReference() */
export async function findCodeTry(reference: string): Promise<CodeTryReport | undefined> {
  const entry = (await findEventsByReference(reference)).find(isCodeTry)
  return entry && codeTry(entry)
}

/** A person's latest tries with a passphrase, newest first. */
export async function listCodeTries(personId: string): Promise<CodeTryReport[]> {
  return (await findEventsOfPerson(personId, codeEvents, 50)).filter(isCodeTry).map(codeTry)
}

function codeTry(entry: Awaited<ReturnType<typeof findEventsByReference>>[number]): CodeTryReport {
  const { at, result, reason, username, details } = entry
  return {
    reference: String(details?.reference),
    at,
    result,
    ...(entry.event === 'recovery.done' ? { isRenewal: true } : {}),
    ...(reason == null ? {} : { reason }),
    ...(username == null ? {} : { username }),
  }
}

// Named one by one: what is added to attempts later must not show up here by itself.
function report(attempt: ActivationAttempt, now: Date): Omit<AttemptReport, 'messages'> {
  const { pin, candidates, mobile, email } = attempt
  return {
    reference: attempt.reference,
    state: attemptState(attempt, now),
    step: attempt.step,
    stoppedBy: attempt.stoppedBy,
    role: attempt.role,
    isSecondRole: attempt.isSecondRole,
    language: attempt.language,
    startedAt: attempt.startedAt,
    expiresAt: attempt.expiresAt,
    endedAt: attempt.endedAt,
    contacts: [mobile, email].filter((contact) => contact !== undefined).map(maskContact),
    candidates: candidates?.length,
    pinsSent: attempt.pinsSent ?? 0,
    ...(pin && {
      pin: { sentAt: pin.sentAt, expiresAt: pin.expiresAt, triesLeft: pin.triesLeft },
    }),
    proven: attempt.proven,
    fact: attempt.fact,
    factTriesLeft: attempt.factTriesLeft,
    numberCheckedBy: attempt.numberCheckedBy,
    events: attempt.events,
  }
}

function attemptState(attempt: ActivationAttempt, now: Date): AttemptState {
  if (attempt.step === 'done') return 'done'
  if (attempt.stoppedBy !== undefined) return 'stopped'
  if (attempt.endedAt === undefined) return attempt.expiresAt <= now ? 'expired' : 'open'
  return attempt.events.some(({ name }) => name === 'replaced') ? 'replaced' : 'left'
}

async function reportMessages(
  context: Pick<AppContext, 'messages'>,
  reference: string,
): Promise<ReportedMessage[]> {
  const records = await findMessagesByReference(reference)
  // What waits in a process that is gone has failed: this asks for more than the stored state.
  const states = await context.messages.deliveries(records.map(({ _id }) => _id))
  return records.map(({ _id, channel, kind, to, createdAt, state, tries, lastError }) => ({
    channel,
    kind,
    to: maskContact(to),
    at: createdAt,
    state: states.get(_id) ?? state,
    tries,
    ...(lastError === undefined ? {} : { lastError }),
  }))
}
