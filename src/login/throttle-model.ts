import { model, Schema } from 'mongoose'

const throttleSchema = new Schema(
  {
    /** What is counted and in which window, e.g. `account:<keyed hash>:1929311`. */
    _id: { type: String, required: true },
    failures: { type: Number, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

export const ThrottleModel = model('Throttle', throttleSchema, 'throttles')
