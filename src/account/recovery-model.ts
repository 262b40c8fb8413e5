import { model, Schema } from 'mongoose'
import { oneTimeCodeSchema } from '../codes/one-time-code.ts'

const eventSchema = new Schema(
  { at: { type: Date, required: true }, name: { type: String, required: true }, detail: String },
  { _id: false },
)

const recoverySchema = new Schema(
  {
    _id: { type: String, required: true },
    proof: String,
    reference: { type: String, required: true, unique: true },
    step: { type: String, required: true },
    language: { type: String, required: true },
    startedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: true },
    forgottenAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
    endedAt: Date,
    usernameKey: { type: String, required: true },
    channel: { type: String, required: true },
    contact: String,
    personId: String,
    failure: String,
    passwordChangedAt: Date,
    code: { type: oneTimeCodeSchema, default: undefined },
    codesSent: { type: Number, required: true },
    flow: String,
    stoppedBy: String,
    events: [eventSchema],
  },
  { versionKey: false },
)
// What is held about one person.
recoverySchema.index({ personId: 1, startedAt: -1 }, { sparse: true })

export const RecoveryModel = model('RecoveryAttempt', recoverySchema, 'recoveryAttempts')
