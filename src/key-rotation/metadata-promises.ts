import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'

const dayMs = 86_400_000
/** METADATA_VALID_DAYS may be no more: what was promised longer ago than that is over. */
const longestDays = 28

/** For how long copies of our metadata were made valid, and until when such copies were handed out. */
export interface MetadataPromise {
  /** METADATA_VALID_DAYS. */
  readonly validDays: number
  readonly lastAt: Date
}

interface PromiseRecord {
  readonly _id: number
  readonly lastAt: Date
}

const metadataPromiseSchema = new Schema(
  { _id: { type: Number, required: true }, lastAt: { type: Date, required: true } },
  { versionKey: false },
)
const MetadataPromiseModel = model('MetadataPromise', metadataPromiseSchema, 'metadataPromises')
const records = () => MetadataPromiseModel.collection as unknown as Collection<PromiseRecord>

/** Notes the validity in force; servers call it every few minutes. */
export async function keepMetadataPromise({
  config,
  now,
}: Pick<AppContext, 'config' | 'now'>): Promise<void> {
  await records().updateOne(
    { _id: config.metadataValidDays },
    // Clocks of several machines differ.
    { $max: { lastAt: now() } },
    { upsert: true },
  )
  await records().deleteMany({
    lastAt: { $lt: new Date(now().getTime() - 2 * longestDays * dayMs) },
  })
}

export async function readMetadataPromises(): Promise<MetadataPromise[]> {
  const found = await records().find().toArray()
  return found.map(({ _id, lastAt }) => ({ validDays: _id, lastAt }))
}
