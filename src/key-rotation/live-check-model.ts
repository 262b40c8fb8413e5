import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { LiveAnswer } from './live-check.ts'

/** How long a result is shown. Milliseconds. */
const keptMs = 60 * 86_400_000

/** The last live check of one service for one key. */
export interface LiveCheck extends LiveAnswer {
  /** kid and entityID. */
  readonly _id: string
  readonly kid: string
  readonly entityId: string
  readonly at: Date
  readonly expiresAt: Date
}

const liveCheckSchema = new Schema(
  {
    _id: { type: String, required: true },
    kid: { type: String, required: true, index: true },
    entityId: { type: String, required: true },
    result: { type: String, required: true },
    reason: String,
    answers: { type: [String], default: undefined },
    at: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

const LiveCheckModel = model('LiveCheck', liveCheckSchema, 'liveChecks')
const liveChecks = () => LiveCheckModel.collection as unknown as Collection<LiveCheck>

export async function saveLiveCheck(
  kid: string,
  entityId: string,
  answer: LiveAnswer,
  at: Date,
): Promise<void> {
  const _id = `${kid} ${entityId}`
  const expiresAt = new Date(at.getTime() + keptMs)
  await liveChecks().replaceOne(
    { _id },
    { kid, entityId, ...answer, at, expiresAt },
    { upsert: true },
  )
}

/** By entityID. */
export async function readLiveChecks(kid: string): Promise<ReadonlyMap<string, LiveCheck>> {
  const found = await liveChecks().find({ kid }).toArray()
  return new Map(found.map((check) => [check.entityId, check]))
}
