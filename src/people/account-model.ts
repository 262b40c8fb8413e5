import { model, Schema } from 'mongoose'

const accountSchema = new Schema(
  {
    /** The Person's `_id`. */
    _id: { type: String, required: true },
    username: { type: String, required: true, unique: true },
    state: { type: String, required: true },
    stateReason: String,
    expiresAt: Date,
    passwordHash: String,
    passwordChangedAt: Date,
    activatedAt: Date,
    mobile: String,
    email: String,
  },
  { versionKey: false, collection: 'accounts' },
)

export const AccountModel = model('Account', accountSchema)
