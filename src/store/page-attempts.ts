import { type mongo, Schema } from 'mongoose'
import { isDuplicateKey } from './duplicate-key.ts'

interface Clock {
  readonly now: () => Date
}

/** One way through several pages, in one browser, with a history for the helpdesk. */
export interface PageAttempt {
  readonly _id: string
  /** The page that comes next. */
  readonly step: string
  /** Short and unique. */
  readonly reference: string
  /** No step after this instant. */
  readonly expiresAt: Date
  readonly endedAt?: Date
  /** ErrorCode */
  readonly stoppedBy?: string
  readonly events: readonly { readonly at: Date; readonly name: string; readonly detail?: string }[]
}

const eventSchema = new Schema(
  { at: { type: Date, required: true }, name: { type: String, required: true }, detail: String },
  { _id: false },
)

/** The fields that every kind of attempt has in its schema. */
export const pageAttemptFields = {
  _id: { type: String, required: true },
  /** Keyed hash of what proving oneself added to the browser's cookie, hex. */
  proof: String,
  reference: { type: String, required: true, unique: true },
  step: { type: String, required: true },
  language: { type: String, required: true },
  startedAt: { type: Date, required: true },
  expiresAt: { type: Date, required: true, index: true },
  forgottenAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  endedAt: Date,
  /** Sealed sign-in that a service asked for. */
  flow: String,
  stoppedBy: String,
  // A plain list to mongoose's types, not a tuple of one.
  events: [eventSchema] as (typeof eventSchema)[],
} as const

/** As the driver sees it: its types cannot tell the fields of one kind of attempt from another's. */
interface Stored extends mongo.Document {
  _id: string
}

type EventName<Attempt extends PageAttempt> = Attempt['events'][number]['name']
type Changes<Attempt extends PageAttempt> = Partial<Omit<Attempt, '_id' | 'events'>>

export interface AttemptChange<Attempt extends PageAttempt> {
  /** Also required of the stored attempt, beside being live and at the step it was read at. */
  readonly when?: mongo.Filter<Attempt>
  readonly set?: Changes<Attempt>
  readonly unset?: readonly (keyof Changes<Attempt>)[]
  readonly increment?: Record<string, number>
  readonly event?: EventName<Attempt>
  readonly detail?: string
}

export interface PageAttempts<Attempt extends PageAttempt> {
  /** @param make called again when the reference is taken: it is short, so one day two are alike */
  insert(make: () => Attempt): Promise<Attempt>
  find(id: string): Promise<Attempt | null>
  /** As the store has it now. */
  reload(attempt: Pick<Attempt, '_id'>): Promise<Attempt | null>
  /**
   * Changes a live attempt if it still stands at the step it was read at: of two tabs only one goes on.
   *
   * @returns the attempt after the change, or null when it was not changed
   */
  change(
    context: Clock,
    attempt: Pick<Attempt, '_id' | 'step'>,
    change: AttemptChange<Attempt>,
  ): Promise<Attempt | null>
  /** Notes something in the history, whatever the attempt's state. */
  note(
    context: Clock,
    attempt: Pick<Attempt, '_id'>,
    event: EventName<Attempt>,
    detail?: string,
  ): Promise<void>
  /**
   * Ends an attempt, if it is not ended: what it held of the person goes, the history stays.
   *
   * @returns whether this call ended it
   */
  end(
    context: Clock,
    attempt: Pick<Attempt, '_id'>,
    end: { event: EventName<Attempt>; detail?: string; set?: Changes<Attempt> },
  ): Promise<boolean>
  /**
   * Ends attempts that nobody came back to.
   *
   * @param since those that expired before have been ended
   * @returns how many
   */
  endAbandoned(since: Date, now: Date): Promise<number>
}

/** Of the newest events; an attempt that makes more is somebody playing. */
const maxEvents = 100
const maxReferenceTries = 5

/** Whether pages of the attempt may still be used. */
export function isLive(attempt: Pick<PageAttempt, 'endedAt' | 'expiresAt'>, now: Date): boolean {
  return attempt.endedAt === undefined && attempt.expiresAt > now
}

/**
 * @param kind.model whose collection holds attempts of this kind as plain documents
 * @param kind.personal what an attempt holds of the person only while it is under way
 * @param kind.expired why one that nobody came back to was stopped
 */
export function pageAttempts<Attempt extends PageAttempt>(kind: {
  model: { readonly collection: unknown }
  personal: readonly (keyof Attempt & string)[]
  expired: string
}): PageAttempts<Attempt> {
  const { model, expired } = kind
  const collection = () => model.collection as mongo.Collection<Stored>
  const personal = unsetting(kind.personal)

  const find = async (id: string) => (await collection().findOne({ _id: id })) as Attempt | null

  return {
    async insert(make) {
      for (let tries = 1; ; tries++) {
        const attempt = make()
        try {
          await collection().insertOne(attempt as Stored)
          return attempt
        } catch (error) {
          if (!isDuplicateKey(error) || tries === maxReferenceTries) throw error
        }
      }
    },
    find,
    reload: ({ _id }) => find(_id),
    async change(context, attempt, change) {
      const now = context.now()
      const { set = {}, unset = [], increment, event, detail } = change
      const changed: unknown = await collection().findOneAndUpdate(
        {
          _id: attempt._id,
          step: attempt.step,
          endedAt: { $exists: false },
          expiresAt: { $gt: now },
          ...(change.when as object),
        },
        {
          ...(Object.keys(set).length > 0 ? { $set: set } : {}),
          ...(unset.length > 0 ? { $unset: unsetting(unset.map(String)) } : {}),
          ...(increment ? { $inc: increment } : {}),
          ...(event ? pushEvent(now, event, detail) : {}),
        },
        { returnDocument: 'after' },
      )
      return changed as Attempt | null
    },
    async note(context, attempt, event, detail) {
      await collection().updateOne({ _id: attempt._id }, pushEvent(context.now(), event, detail))
    },
    async end(context, attempt, { event, detail, set }) {
      const now = context.now()
      const { matchedCount } = await collection().updateOne(
        { _id: attempt._id, endedAt: { $exists: false } },
        {
          $set: { endedAt: now, ...set },
          $unset: personal,
          ...pushEvent(now, event, detail),
        },
      )
      return matchedCount === 1
    },
    async endAbandoned(since, now) {
      const { modifiedCount } = await collection().updateMany(
        { expiresAt: { $gt: since, $lte: now }, endedAt: { $exists: false } },
        {
          $set: { endedAt: now, stoppedBy: expired },
          $unset: personal,
          ...pushEvent(now, 'stopped', expired),
        },
      )
      return modifiedCount
    },
  }
}

function unsetting(fields: readonly string[]): Record<string, ''> {
  return Object.fromEntries(fields.map((field) => [field, '']))
}

function pushEvent(at: Date, name: string, detail?: string): object {
  const event = detail === undefined ? { at, name } : { at, name, detail }
  return { $push: { events: { $each: [event], $slice: -maxEvents } } }
}
