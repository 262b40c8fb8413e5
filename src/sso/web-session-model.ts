import { model, Schema } from 'mongoose'

/** An express session as the store keeps it. Redis keeps them instead where it is configured. */
const webSessionSchema = new Schema(
  {
    /** The session id that the browser's cookie carries, signed. */
    _id: { type: String, required: true },
    /** Whose sign-in it carries, if any: people are looked up along with it. */
    personId: String,
    /** JSON. */
    data: { type: String, required: true },
    /** The TTL index deletes late: compare this too. */
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

export interface WebSessionRecord {
  _id: string
  personId?: string
  data: string
  expiresAt: Date
}

export const WebSessionModel = model('WebSession', webSessionSchema, 'webSessions')
