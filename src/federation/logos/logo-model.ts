import { model, Schema } from 'mongoose'

/** A logo that a service's registration names, fetched once for all workers; or that there is none. */
export interface LogoRecord {
  /** SHA-256 of its address (or data: URL), hex. */
  readonly _id: string
  /** Absent: the last try brought no picture. */
  readonly picture?: Buffer
  readonly type?: string
  readonly checkedAt: Date
  /** Not shown from then on unless it was fetched again. */
  readonly expiresAt: Date
}

const logoSchema = new Schema(
  {
    _id: { type: String, required: true },
    picture: Buffer,
    type: String,
    checkedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

export const LogoModel = model('Logo', logoSchema, 'logos')
