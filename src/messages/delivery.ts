import type { AppContext } from '../context.ts'
import { Turns } from '../limits/turns.ts'
import type { Carrier, Outcome, Parcel } from './carrier.ts'
import { maskContact } from './mask.ts'
import type { MessageRecord } from './message-model.ts'
import {
  beginTry,
  findUnheld,
  type Holder,
  markFailed,
  markSent,
  postponeMessage,
  releaseHolds,
  renewHolds,
  takeOver,
} from './message-store.ts'
import type { DeliveryState, MessageChannel } from './messages.ts'
import { nextTryAt } from './retry.ts'

/** Calls back once after so many milliseconds; the returned function cancels that. */
export type Schedule = (callback: () => void, ms: number) => () => void

/** How often holds are renewed and what others left is looked for; a hold outlasts three of these. */
const beatMs = 15_000
export const holdMs = 60_000

/** When the store could not be asked. Milliseconds. */
const storeAwayMs = 5000

const taken = 100
const maxReasonLength = 200

/** Why a message failed, for audit and statistics; the text beside it is for people. */
type FailureReason = 'refused' | 'given-up' | 'server-stopped'

/** What this process has undertaken to send. */
interface Task {
  readonly record: Pick<
    MessageRecord,
    '_id' | 'channel' | 'to' | 'kind' | 'reference' | 'personId' | 'hasCode' | 'giveUpAt'
  >
  readonly parcel: Parcel
  /** Removed from what others said about the message. */
  readonly code?: string
  tries: number
  /** What became of the last try while the store could not be told. */
  unrecorded?: Outcome
  cancel?: () => void
}

export interface Delivery {
  /** Tries a message that this process holds, and goes on trying. Resolves after the first try. */
  begin(record: MessageRecord, parcel: Parcel, code?: string): Promise<DeliveryState>
  /** From now on takes up what processes that are gone have left. */
  start(): void
  /** Resolves when no try is running. */
  settled(): Promise<void>
  /** Waits a little for tries that run, then ends them; what carried a code has failed. */
  close(): Promise<void>
}

/**
 * Tries messages until they are accepted, refused or given up. In the store every waiting message
 * has one holder, which renews its hold as long as it lives: several processes never try the same
 * message, and none is forgotten when one of them dies.
 */
export function openDelivery(
  context: Pick<AppContext, 'log' | 'now' | 'audit'>,
  carriers: Readonly<Record<MessageChannel, Carrier>>,
  options: {
    readonly holder: string
    readonly keepsText: boolean
    readonly schedule: Schedule
    readonly closeMs: number
  },
): Delivery {
  const { log, now } = context
  const { schedule } = options
  const holder: Holder = { id: options.holder, holdMs }
  const tasks = new Map<string, Task>()
  const turns = {
    sms: new Turns(carriers.sms.turns, Number.POSITIVE_INFINITY),
    email: new Turns(carriers.email.turns, Number.POSITIVE_INFINITY),
  }
  const running = new Set<Promise<unknown>>()
  let isStarted = false
  let isClosed = false
  let cancelBeat: (() => void) | undefined

  function track<T>(work: Promise<T>): Promise<T> {
    running.add(work)
    const done = () => running.delete(work)
    work.then(done, done)
    return work
  }

  async function tryOnce(task: Task): Promise<DeliveryState> {
    const { record } = task
    if (!task.unrecorded) {
      // Its turn may have come late.
      if (isClosed) return 'waiting'
      if (now() >= record.giveUpAt) return fail(task, 'given-up', 'nobody needs it any more')
      if (!(await beginTry(record._id, holder, now()))) {
        tasks.delete(record._id)
        return 'failed'
      }
      task.tries += 1
      task.unrecorded = await carriers[record.channel].carry(task.parcel)
    }
    const state = await settle(task, task.unrecorded)
    task.unrecorded = undefined
    return state
  }

  async function settle(task: Task, outcome: Outcome): Promise<DeliveryState> {
    const { _id, giveUpAt } = task.record
    if (outcome.result === 'accepted') {
      await markSent(_id, now(), options.keepsText)
      tasks.delete(_id)
      return 'sent'
    }
    const reason = presentable(outcome.reason, task)
    if (outcome.result === 'refused') return fail(task, 'refused', reason)
    const next = nextTryAt(task.tries, now(), giveUpAt, outcome.afterMs)
    if (!next) return fail(task, 'given-up', reason)
    await postponeMessage(_id, holder, { nextTryAt: next, lastError: reason })
    plan(task, next.getTime() - now().getTime())
    return 'waiting'
  }

  async function fail(task: Task, reason: FailureReason, text: string): Promise<DeliveryState> {
    const { _id } = task.record
    const isFirst = await markFailed({ _id, holder: holder.id }, text)
    tasks.delete(_id)
    if (isFirst) report(task.record, task.tries, reason, text)
    return 'failed'
  }

  function report(
    record: Task['record'],
    tries: number,
    reason: FailureReason,
    error: string,
  ): void {
    const { _id: id, channel, kind, reference, personId } = record
    const facts = { id, channel, kind, to: maskContact(record.to), tries, error }
    log.error({ ...facts, reference, personId, reason }, 'a message could not be sent')
    context.audit.record({
      event: 'message.failed',
      result: 'failure',
      reason,
      personId,
      details: { ...facts, ...(reference === undefined ? {} : { reference }) },
    })
  }

  /** What others said may repeat the address or the text; admins' lists show neither. */
  function presentable(reason: string, { record, code }: Task): string {
    let text = reason.replaceAll(record.to, maskContact(record.to))
    if (code) text = text.replaceAll(code, '•'.repeat(code.length))
    return text
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .trim()
      .slice(0, maxReasonLength)
  }

  function plan(task: Task, ms: number): void {
    if (isClosed) return
    task.cancel = schedule(() => {
      task.cancel = undefined
      void track(tryAndGoOn(task))
    }, ms)
  }

  async function tryAndGoOn(task: Task): Promise<DeliveryState> {
    try {
      return await turns[task.record.channel].take(() => tryOnce(task))
    } catch (error) {
      log.error({ err: error, id: task.record._id }, 'messages: the store does not answer')
      plan(task, storeAwayMs)
      return 'waiting'
    }
  }

  function keepBeating(): void {
    if (isClosed || cancelBeat || (!isStarted && tasks.size === 0)) return
    cancelBeat = schedule(() => {
      cancelBeat = undefined
      void track(beat())
    }, beatMs)
  }

  async function beat(): Promise<void> {
    try {
      if (tasks.size > 0) await renewHolds([...tasks.keys()], holder, now())
      if (isStarted) await takeUp()
    } catch (error) {
      log.error({ err: error }, 'messages: the store does not answer')
    }
    keepBeating()
  }

  async function takeUp(): Promise<void> {
    for (const left of await findUnheld(now(), taken)) {
      if (isClosed) return
      if (left.hasCode) await giveUpLost(left)
      else {
        const record = await takeOver(left._id, holder, now())
        if (record) take(record)
      }
    }
  }

  /** Only its process knew the text. */
  async function giveUpLost(record: MessageRecord): Promise<void> {
    const error = 'the server stopped before it was sent'
    if (await markFailed({ _id: record._id, heldUntil: { $lte: now() } }, error)) {
      report(record, record.tries, 'server-stopped', error)
    }
  }

  function take(record: MessageRecord): void {
    const task = { record, parcel: parcelOf(record), tries: record.tries }
    tasks.set(record._id, task)
    plan(task, Math.max(0, (record.nextTryAt?.getTime() ?? 0) - now().getTime()))
  }

  async function settled(): Promise<void> {
    while (running.size > 0) await Promise.allSettled([...running])
  }

  return {
    begin(record, parcel, code) {
      const task: Task = { record, parcel, code, tries: record.tries }
      tasks.set(record._id, task)
      keepBeating()
      return track(tryAndGoOn(task))
    },
    start() {
      if (isStarted || isClosed) return
      isStarted = true
      void track(beat())
    },
    settled,
    async close() {
      isClosed = true
      cancelBeat?.()
      for (const task of tasks.values()) task.cancel?.()
      let timer: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, options.closeMs)
      })
      await Promise.race([settled(), enough])
      clearTimeout(timer)
      for (const carrier of Object.values(carriers)) carrier.close()
      await settled()
      const left = [...tasks.values()]
      const others = left.filter(({ record }) => !record.hasCode).map(({ record }) => record._id)
      if (others.length > 0) await releaseHolds(others, holder)
      for (const task of left.filter(({ record }) => record.hasCode)) {
        await fail(task, 'server-stopped', 'the server stopped before it was sent')
      }
    },
  }
}

/** A message without a code, as it stands in the store. */
function parcelOf(record: MessageRecord): Parcel {
  const { _id: id, to, language, subject, text = '', reference, createdAt } = record
  return { id, to, language, subject, text, reference, createdAt }
}
