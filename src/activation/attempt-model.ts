import { model, Schema } from 'mongoose'
import { oneTimeCodeSchema } from '../codes/one-time-code.ts'
import { pageAttemptFields } from '../store/page-attempts.ts'

const attemptSchema = new Schema(
  {
    ...pageAttemptFields,
    role: String,
    mobile: String,
    email: String,
    candidates: { type: [String], default: undefined },
    pin: { type: oneTimeCodeSchema, default: undefined },
    pinsSent: Number,
    proven: { type: [String], default: undefined },
    fact: String,
    factTriesLeft: Number,
    personId: String,
    number: {
      type: new Schema({ country: String, hmac: String, sealed: String }, { _id: false }),
      default: undefined,
    },
    checkedNumber: String,
    numberCheckedBy: String,
    isSecondRole: Boolean,
    consentMobile: Boolean,
    consentEmail: Boolean,
    agreedAt: Date,
    username: String,
  },
  { versionKey: false },
)
// The helpdesk finds the attempts of one person.
attemptSchema.index({ personId: 1, startedAt: -1 }, { sparse: true })

export const AttemptModel = model('ActivationAttempt', attemptSchema, 'activationAttempts')
