import { model, Schema } from 'mongoose'
import { oneTimeCodeSchema } from '../codes/one-time-code.ts'
import { pageAttemptFields } from '../store/page-attempts.ts'

const recoverySchema = new Schema(
  {
    ...pageAttemptFields,
    usernameKey: { type: String, required: true },
    channel: { type: String, required: true },
    contact: String,
    personId: String,
    failure: String,
    passwordChangedAt: Date,
    code: { type: oneTimeCodeSchema, default: undefined },
    codesSent: { type: Number, required: true },
  },
  { versionKey: false },
)
// What is held about one person.
recoverySchema.index({ personId: 1, startedAt: -1 }, { sparse: true })

export const RecoveryModel = model('RecoveryAttempt', recoverySchema, 'recoveryAttempts')
