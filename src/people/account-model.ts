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
    previousPasswords: { type: [String], default: undefined },
    sessionGeneration: Number,
    keptSessionId: String,
    deviceGeneration: Number,
    activatedAt: Date,
    mobile: String,
    email: String,
    mobileConsentAt: Date,
    emailConsentAt: Date,
    contactSetBy: { type: { mobile: String, email: String }, _id: false },
    /** Absent means all: an empty list would mean none. */
    activatedRoles: { type: [String], default: undefined },
    acceptedTerms: { type: { terms: String, privacy: String, acceptedAt: Date }, _id: false },
    activation: {
      type: {
        reference: String,
        way: String,
        proven: { type: [String], default: undefined },
        numberCheckedBy: String,
        numberOnRecord: Boolean,
      },
      _id: false,
    },
    academicIdAt: Date,
    academicIdDue: Date,
    academicIdWait: { type: { since: Date, tries: Number, error: String }, _id: false },
    academicIdConflict: { type: { kind: String, otherId: String, at: Date }, _id: false },
    recoveryCode: {
      type: { hmac: String, issuedAt: Date, expiresAt: Date, triesLeft: Number },
      _id: false,
    },
    adminRight: { type: { since: Date, by: String }, _id: false },
  },
  { versionKey: false, collection: 'accounts' },
)

// Whose AcademicID is to be asked for: few at any time.
accountSchema.index({ academicIdDue: 1 }, { sparse: true })
accountSchema.index({ 'academicIdConflict.at': 1 }, { sparse: true })
accountSchema.index({ 'adminRight.since': 1 }, { sparse: true })

export const AccountModel = model('Account', accountSchema)
