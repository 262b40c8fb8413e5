import { model, Schema } from 'mongoose'

const throttleSchema = new Schema(
  {
    /** What is counted, for whom (keyed hash), and in which window. */
    _id: { type: String, required: true },
    /** Failed tries, or uses of what is limited. */
    failures: { type: Number, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

export const ThrottleModel = model('Throttle', throttleSchema, 'throttles')
