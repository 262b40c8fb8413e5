import { model, type mongo, Schema } from 'mongoose'
import { type OneTimeCode, oneTimeCodeSchema } from '../codes/one-time-code.ts'
import type { Language } from '../web/language.ts'

/** The account's fields that hold a recovery contact. */
export type ContactKind = 'mobile' | 'email'

export const contactKinds = ['mobile', 'email'] as const

/** The account's fields that say since when the person agrees. */
export const consentField = { mobile: 'mobileConsentAt', email: 'emailConsentAt' } as const

/** A contact that its owner has not confirmed yet. One a person and kind: the newest counts. */
export interface PendingContact {
  /** `PERSONID:KIND` */
  readonly _id: string
  readonly personId: string
  readonly kind: ContactKind
  /** Brought to form by checkPhone() or checkPersonalEmail(). */
  readonly value: string
  /** What the person tells the helpdesk, e.g. `K7F-2QX`. */
  readonly reference: string
  /** SsoSession.id: nobody else is shown it, and it ends with that sign-in. */
  readonly sessionId: string
  readonly code: OneTimeCode
  /** No new code after this instant. */
  readonly expiresAt: Date
}

const pendingSchema = new Schema(
  {
    _id: { type: String, required: true },
    personId: { type: String, required: true },
    kind: { type: String, required: true },
    value: { type: String, required: true },
    reference: { type: String, required: true },
    sessionId: { type: String, required: true },
    code: { type: oneTimeCodeSchema, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

/**
 * A change of a recovery contact that can still be undone. Account.contactSetBy names the one that
 * made the contact what it is; `follows` the one before: a chain, newest first.
 */
export interface ContactChange {
  /** Random; not the undo token. */
  readonly _id: string
  readonly personId: string
  readonly kind: ContactKind
  readonly reference: string
  /** In which the person was told. */
  readonly language: Language
  /** Absent: there was none. */
  readonly from?: string
  readonly fromConsentAt?: Date
  /** Absent: it was removed. */
  readonly to?: string
  readonly follows?: string
  readonly changedAt: Date
  /** Keyed hash, hex. */
  readonly undoHmac: string
  /** Compared at each use; the record and the old contact in it go soon afterwards. */
  readonly undoUntil: Date
  readonly undoneAt?: Date
}

const changeSchema = new Schema(
  {
    _id: { type: String, required: true },
    personId: { type: String, required: true, index: true },
    kind: { type: String, required: true },
    reference: { type: String, required: true },
    language: { type: String, required: true },
    from: String,
    fromConsentAt: Date,
    to: String,
    follows: String,
    changedAt: { type: Date, required: true },
    undoHmac: { type: String, required: true, unique: true },
    undoUntil: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
    undoneAt: Date,
  },
  { versionKey: false },
)

export const PendingContactModel = model('PendingContact', pendingSchema, 'pendingContacts')
export const ContactChangeModel = model('ContactChange', changeSchema, 'contactChanges')

/** Plain documents, as the types above have them. */
export const pendingContacts = () =>
  PendingContactModel.collection as unknown as mongo.Collection<PendingContact>
export const contactChanges = () =>
  ContactChangeModel.collection as unknown as mongo.Collection<ContactChange>
