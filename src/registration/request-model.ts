import { model, Schema } from 'mongoose'
import type { ServiceRecord } from '../federation/service-model.ts'
import type { Language } from '../web/language.ts'

/** unconfirmed: the contact has not opened the link yet; only `waiting` is an administrator's matter. */
export type RequestState = 'unconfirmed' | 'waiting' | 'approved' | 'rejected' | 'withdrawn'

/** A service's wish to be registered, or to change its registration. What runs does not change by it. */
export interface RegistrationRequest {
  /** What people call it, e.g. `K7F-2QX`. */
  readonly _id: string
  readonly protocol: ServiceRecord['protocol']
  readonly serviceId: string
  readonly kind: 'new' | 'update'
  readonly state: RequestState
  /** As a registration would keep it, without secrets. */
  readonly metadata: string
  /** Of more bytes than metadata have that hold no pictures; counted apart (request-room.ts). */
  readonly isLarge?: true
  /** Why it needs what it asks for, by name of the attribute table. Foreign text. */
  readonly reasons: Readonly<Record<string, string>>
  /** Whose mailbox proves control: of an update the contact of the registration that runs. */
  readonly contact: string
  /** The contact's address in lower case, and what is after its @: how many of theirs may wait is bounded. */
  readonly mailbox?: string
  readonly mailDomain?: string
  readonly language: Language
  /** Keyed hash of the token in the mail, hex; gone once used. */
  readonly linkHmac?: string
  readonly linkUntil?: Date
  /** Keyed hash of the token of the request's page, hex. */
  readonly stateHmac?: string
  readonly createdAt: Date
  readonly confirmedAt?: Date
  /** By mail, or by a client's own registration access token. */
  readonly confirmedBy?: 'mail' | 'token'
  readonly decidedAt?: Date
  /** An administrator's words to the contact. */
  readonly decisionReason?: string
  readonly forgottenAt: Date
}

const requestSchema = new Schema(
  {
    _id: { type: String, required: true },
    protocol: { type: String, required: true },
    serviceId: { type: String, required: true },
    kind: { type: String, required: true },
    state: { type: String, required: true },
    metadata: { type: String, required: true },
    isLarge: Boolean,
    reasons: { type: Schema.Types.Mixed, required: true },
    contact: { type: String, required: true },
    mailbox: { type: String, index: true },
    mailDomain: { type: String, index: true },
    language: { type: String, required: true },
    linkHmac: { type: String, index: { unique: true, sparse: true } },
    linkUntil: Date,
    stateHmac: { type: String, index: { unique: true, sparse: true } },
    createdAt: { type: Date, required: true },
    confirmedAt: Date,
    confirmedBy: String,
    decidedAt: Date,
    decisionReason: String,
    forgottenAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false, minimize: false },
)
requestSchema.index({ state: 1, createdAt: 1 })

export const RegistrationRequestModel = model(
  'RegistrationRequest',
  requestSchema,
  'registrationRequests',
)

/** A client's right to manage its own registration (RFC 7592 registration access token). */
export interface ClientToken {
  /** client_id: a new token replaces the one before. */
  readonly _id: string
  /** Keyed hash, hex. */
  readonly tokenHmac: string
  readonly issuedAt: Date
}

const clientTokenSchema = new Schema(
  {
    _id: { type: String, required: true },
    tokenHmac: { type: String, required: true },
    issuedAt: { type: Date, required: true },
  },
  { versionKey: false },
)

export const ClientTokenModel = model('ClientToken', clientTokenSchema, 'clientTokens')
