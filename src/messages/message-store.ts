import { MessageModel, type MessageRecord } from './message-model.ts'

/** One process among those that share the store, and how long its hold on a message lasts. */
export interface Holder {
  readonly id: string
  readonly holdMs: number
}

const unheld = new Date(0)

const until = (holder: Holder, now: Date) => new Date(now.getTime() + holder.holdMs)

export async function addMessage(record: MessageRecord): Promise<void> {
  await MessageModel.create(record)
}

/**
 * Counts a try before it is made.
 *
 * @returns false when the message is not this process's any more: then it must not try
 */
export async function beginTry(id: string, holder: Holder, now: Date): Promise<boolean> {
  const { matchedCount } = await MessageModel.updateOne(
    { _id: id, holder: holder.id, state: 'waiting' },
    { $inc: { tries: 1 }, $set: { heldUntil: until(holder, now) }, $unset: { nextTryAt: 1 } },
  )
  return matchedCount === 1
}

/** Records that the holder tries again later. */
export async function postponeMessage(
  id: string,
  holder: Holder,
  facts: { nextTryAt: Date; lastError: string },
): Promise<void> {
  await MessageModel.updateOne({ _id: id, holder: holder.id, state: 'waiting' }, { $set: facts })
}

/**
 * Records that the message went out; also over `failed`: another process may have given it up while
 * this one was waiting for the answer, and what is out is out.
 *
 * @param keepsText for the outbox of a trial installation
 */
export async function markSent(id: string, sentAt: Date, keepsText: boolean): Promise<void> {
  await MessageModel.updateOne(
    { _id: id },
    {
      $set: { state: 'sent', sentAt },
      $unset: {
        nextTryAt: 1,
        lastError: 1,
        ...(keepsText ? {} : { text: 1, subject: 1 }),
      },
    },
  )
}

/** @returns false when it was not waiting (any more) */
export async function markFailed(
  filter: { _id: string; holder?: string; heldUntil?: { $lte: Date } },
  lastError: string,
): Promise<boolean> {
  const { modifiedCount } = await MessageModel.updateOne(
    { ...filter, state: 'waiting' },
    { $set: { state: 'failed', lastError }, $unset: { nextTryAt: 1 } },
  )
  return modifiedCount === 1
}

export async function renewHolds(ids: readonly string[], holder: Holder, now: Date): Promise<void> {
  await MessageModel.updateMany(
    { _id: { $in: [...ids] }, holder: holder.id, state: 'waiting' },
    { $set: { heldUntil: until(holder, now) } },
  )
}

/** Lets others take the messages up at once. */
export async function releaseHolds(ids: readonly string[], holder: Holder): Promise<void> {
  await MessageModel.updateMany(
    { _id: { $in: [...ids] }, holder: holder.id, state: 'waiting' },
    { $set: { heldUntil: unheld } },
  )
}

/** Waiting messages whose process is gone, the oldest first. */
export function findUnheld(now: Date, limit: number): Promise<MessageRecord[]> {
  return MessageModel.find({ state: 'waiting', heldUntil: { $lte: now } })
    .sort({ createdAt: 1 })
    .limit(limit)
    .lean<MessageRecord[]>()
}

/**
 * Takes a message over from a process that is gone. Of several that try at once one gets it.
 *
 * @returns the message as it is then
 */
export function takeOver(id: string, holder: Holder, now: Date): Promise<MessageRecord | null> {
  return MessageModel.findOneAndUpdate(
    { _id: id, state: 'waiting', hasCode: false, heldUntil: { $lte: now } },
    { $set: { holder: holder.id, heldUntil: until(holder, now) } },
    { returnDocument: 'after' },
  ).lean<MessageRecord | null>()
}

export type RetryProblem = 'unknown' | 'not-failed' | 'text-gone' | 'too-late'

/**
 * Puts a failed message back: a running server takes it up with its next look.
 *
 * @returns why not, undefined when done
 */
export async function putBack(
  id: string,
  now: Date,
  giveUpAt: (validUntil: Date | undefined) => Date,
): Promise<RetryProblem | undefined> {
  const record = await MessageModel.findById(id).lean<MessageRecord | null>()
  if (!record) return 'unknown'
  if (record.state !== 'failed') return 'not-failed'
  if (record.hasCode || record.text === undefined) return 'text-gone'
  const last = giveUpAt(record.validUntil)
  if (last <= now) return 'too-late'
  const { modifiedCount } = await MessageModel.updateOne(
    { _id: id, state: 'failed' },
    { $set: { state: 'waiting', heldUntil: unheld, nextTryAt: now, giveUpAt: last, tries: 0 } },
  )
  return modifiedCount === 1 ? undefined : 'not-failed'
}

export function listMessages(options: {
  onlyFailed: boolean
  limit: number
}): Promise<MessageRecord[]> {
  return MessageModel.find(options.onlyFailed ? { state: 'failed' } : {})
    .sort({ createdAt: -1, _id: -1 })
    .limit(options.limit)
    .lean<MessageRecord[]>()
}

/** Everything sent in one matter, such as an activation, oldest first. */
export function findMessagesByReference(reference: string): Promise<MessageRecord[]> {
  return MessageModel.find({ reference }).sort({ createdAt: 1 }).lean<MessageRecord[]>()
}

/** Everything sent to one person in the last 90 days, oldest first, read as it is taken. */
export function messagesOfPerson(personId: string): AsyncIterable<MessageRecord> {
  return MessageModel.find({ personId }).sort({ createdAt: 1 }).lean<MessageRecord>().cursor()
}

/** What a trial installation shows in /dev/outbox: messages whose text was kept, the newest first. */
export function listOutbox(limit: number): Promise<MessageRecord[]> {
  return MessageModel.find({ text: { $exists: true } })
    .sort({ createdAt: -1, _id: -1 })
    .limit(limit)
    .lean<MessageRecord[]>()
}

export function findStates(
  ids: readonly string[],
): Promise<Pick<MessageRecord, '_id' | 'state' | 'hasCode' | 'heldUntil'>[]> {
  return MessageModel.find({ _id: { $in: [...ids] } }, { state: 1, hasCode: 1, heldUntil: 1 }).lean<
    Pick<MessageRecord, '_id' | 'state' | 'hasCode' | 'heldUntil'>[]
  >()
}
