import { hash } from 'node:crypto'
import type { Binary, Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { FederationRecord } from './federation-model.ts'

/** What an MDQ server said of one entityID. */
export interface MdqAnswer {
  /** See answerKey(). */
  readonly _id: string
  readonly federation: string
  readonly entityId: string
  /** Absent: there is no such entity. */
  readonly xml?: Binary
  /** Of the newest answer that was verified, also while there is no such entity. */
  readonly validUntil?: Date
  /** The same: when it was made, where its mdrpi:PublicationInfo says so. */
  readonly creationInstant?: Date
  readonly etag?: string
  /** Until then nobody is asked again. */
  readonly freshUntil: Date
  /** Of no use after that. */
  readonly expiresAt: Date
}

const mdqAnswerSchema = new Schema(
  {
    _id: { type: String, required: true },
    federation: { type: String, required: true, index: true },
    entityId: { type: String, required: true },
    xml: Buffer,
    validUntil: Date,
    creationInstant: Date,
    etag: String,
    freshUntil: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false, minimize: false },
)

const MdqAnswerModel = model('MdqAnswer', mdqAnswerSchema, 'mdqAnswers')

export const mdqAnswers = () => MdqAnswerModel.collection as unknown as Collection<MdqAnswer>

/**
 * What verified an answer and let it in is part of its name: a federation that was removed and added
 * again with another key believes nothing that a slow worker kept meanwhile.
 */
export function answerKey(
  {
    _id,
    keysPem,
    filters,
    maxValidityDays,
  }: Pick<FederationRecord, '_id' | 'keysPem' | 'filters' | 'maxValidityDays'>,
  entityId: string,
): string {
  const vouched = JSON.stringify([keysPem, filters, maxValidityDays, entityId])
  return `${_id}:${hash('sha256', vouched, 'base64url')}`
}
