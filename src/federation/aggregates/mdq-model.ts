import { hash } from 'node:crypto'
import type { Binary, Collection } from 'mongodb'
import { model, Schema } from 'mongoose'

/** What an MDQ server said of one entityID. */
export interface MdqAnswer {
  /** federation:SHA-256 of the entityID. */
  readonly _id: string
  readonly federation: string
  readonly entityId: string
  /** Absent: there is no such entity. */
  readonly xml?: Binary
  readonly validUntil?: Date
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
    etag: String,
    freshUntil: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false, minimize: false },
)

const MdqAnswerModel = model('MdqAnswer', mdqAnswerSchema, 'mdqAnswers')

export const mdqAnswers = () => MdqAnswerModel.collection as unknown as Collection<MdqAnswer>

export function answerKey(federation: string, entityId: string): string {
  return `${federation}:${hash('sha256', entityId, 'base64url')}`
}
