import { model, Schema } from 'mongoose'
import { oneTimeCodeSchema } from '../codes/one-time-code.ts'

const eventSchema = new Schema(
  { at: { type: Date, required: true }, name: { type: String, required: true }, detail: String },
  { _id: false },
)

const attemptSchema = new Schema(
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
    flow: String,
    stoppedBy: String,
    events: [eventSchema],
  },
  { versionKey: false },
)
// The helpdesk finds the attempts of one person.
attemptSchema.index({ personId: 1, startedAt: -1 }, { sparse: true })

export const AttemptModel = model('ActivationAttempt', attemptSchema, 'activationAttempts')
