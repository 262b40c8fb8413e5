import type { AppContext } from '../context.ts'
import { maskContact } from '../messages/mask.ts'
import { findMessagesByReference } from '../messages/message-store.ts'
import type { DeliveryState, MessageChannel, MessageKind } from '../messages/messages.ts'
import { accountStanding } from '../people/account.ts'
import { findAccount } from '../people/people-store.ts'
import type { RecoveryAttempt, RecoveryEvent } from './recovery.ts'
import { RecoveryModel } from './recovery-model.ts'

/** open: can still go on. */
export type RecoveryState = 'open' | 'done' | 'stopped' | 'replaced' | 'expired'

/** What the helpdesk may know of a recovery: no code, no full address, no unknown username. */
export interface RecoveryReport
  extends Pick<
    RecoveryAttempt,
    | 'reference'
    | 'language'
    | 'step'
    | 'channel'
    | 'failure'
    | 'codesSent'
    | 'startedAt'
    | 'expiresAt'
    | 'endedAt'
    | 'stoppedBy'
  > {
  readonly state: RecoveryState
  /** Absent for nobody's. */
  readonly username?: string
  /** As it is now. */
  readonly standing?: string
  /** As typed, masked; while the recovery is open. */
  readonly contact?: string
  /** What the account keeps with consent, masked. */
  readonly kept: readonly string[]
  readonly code?: { readonly expiresAt: Date; readonly triesLeft: number }
  readonly messages: readonly {
    readonly channel: MessageChannel
    readonly kind: MessageKind
    readonly to: string
    readonly at: Date
    readonly state: DeliveryState
    readonly lastError?: string
  }[]
  readonly events: readonly RecoveryEvent[]
}

/** @param reference in the form `K7F-2QX` */
export async function findRecoveryReport(
  context: Pick<AppContext, 'messages' | 'now'>,
  reference: string,
): Promise<RecoveryReport | undefined> {
  const attempt = await RecoveryModel.findOne({ reference }).lean<RecoveryAttempt | null>()
  if (!attempt) return undefined
  const now = context.now()
  const account = attempt.personId === undefined ? null : await findAccount(attempt.personId)
  const { contact, code } = attempt
  // Named one by one: what is added to attempts later must not show up here by itself.
  return {
    reference: attempt.reference,
    state: stateOf(attempt, now),
    step: attempt.step,
    language: attempt.language,
    channel: attempt.channel,
    failure: attempt.failure,
    stoppedBy: attempt.stoppedBy,
    codesSent: attempt.codesSent,
    startedAt: attempt.startedAt,
    expiresAt: attempt.expiresAt,
    endedAt: attempt.endedAt,
    ...(account && { username: account.username, standing: accountStanding(account, now) }),
    ...(contact === undefined ? {} : { contact: maskContact(contact) }),
    kept: [
      account?.mobileConsentAt && account.mobile,
      account?.emailConsentAt && account.email,
    ].flatMap((kept) => (kept ? [maskContact(kept)] : [])),
    ...(code && { code: { expiresAt: code.expiresAt, triesLeft: code.triesLeft } }),
    messages: await messagesOf(context, reference),
    events: attempt.events.map(({ at, name, detail }) => ({
      at,
      name,
      ...(detail === undefined ? {} : { detail }),
    })),
  }
}

function stateOf(attempt: RecoveryAttempt, now: Date): RecoveryState {
  if (attempt.step === 'done') return 'done'
  if (attempt.stoppedBy !== undefined) return 'stopped'
  if (attempt.endedAt !== undefined) return 'replaced'
  return attempt.expiresAt <= now ? 'expired' : 'open'
}

async function messagesOf(context: Pick<AppContext, 'messages'>, reference: string) {
  const records = await findMessagesByReference(reference)
  // What waits in a process that is gone has failed: this asks for more than the stored state.
  const states = await context.messages.deliveries(records.map(({ _id }) => _id))
  return records.map(({ _id, channel, kind, to, createdAt, state, lastError }) => ({
    channel,
    kind,
    to: maskContact(to),
    at: createdAt,
    state: states.get(_id) ?? state,
    ...(lastError === undefined ? {} : { lastError }),
  }))
}
