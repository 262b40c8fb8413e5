import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'

/** service ticket, proxy ticket, proxy-granting ticket (CAS Protocol 3.1, 3.2, 3.3). */
export type TicketKind = 'ST' | 'PT' | 'PGT'

/** The sign-in that a ticket stands for, as it was when the ticket was made. */
export interface TicketSession {
  /** SsoSession.id */
  readonly id: string
  readonly generation?: number
  readonly personId: string
  /** When the password was proved. */
  readonly authnInstant: Date
  readonly amr: readonly string[]
  readonly acr: string
  /** When it ends at the latest. */
  readonly endsAt: Date
}

export interface TicketRecord {
  /** SHA-256 of the ticket, hex: with 160 random bits in it no key is needed. */
  readonly _id: string
  readonly kind: TicketKind
  /** Pattern of the registered service that it was made for; of a PGT the one that may use it. */
  readonly serviceId: string
  /** The address that it is for; of a PGT its pgtUrl. */
  readonly service: string
  readonly session: TicketSession
  /** The password was typed for this very ticket. */
  readonly isFromNewLogin: boolean
  /** Second factor that was asked for and was there: `mfa-…`. */
  readonly authnMethod?: string
  /**
   * Names of the attributes that the person saw on the page before; nothing else goes. Absent for
   * services that people are told nothing of.
   */
  readonly disclosed?: readonly string[]
  /** pgtUrls on the way here, the latest first. */
  readonly proxies: readonly string[]
  readonly language: 'el' | 'en'
  /** Exclusive. The TTL index deletes late: compare this too. */
  readonly expiresAt: Date
}

const ticketSchema = new Schema(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    serviceId: { type: String, required: true },
    service: { type: String, required: true },
    session: { type: Schema.Types.Mixed, required: true },
    isFromNewLogin: { type: Boolean, required: true },
    authnMethod: String,
    disclosed: { type: [String], default: undefined },
    proxies: [String],
    language: { type: String, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

ticketSchema.index({ 'session.id': 1 })
ticketSchema.index({ 'session.personId': 1, serviceId: 1 })

const TicketModel = model('CasTicket', ticketSchema, 'casTickets')

export const tickets = () => TicketModel.collection as unknown as Collection<TicketRecord>

/** A ticket that a service validated: by it the service knows the sign-in when that ends. */
export interface VisitRecord {
  /** The ticket itself. It is used up, so it opens nothing any more. */
  readonly _id: string
  /** SsoSession.id */
  readonly sessionId: string
  readonly serviceId: string
  /** The address that the ticket was for. */
  readonly service: string
  readonly at: Date
  readonly expiresAt: Date
}

const visitSchema = new Schema(
  {
    _id: { type: String, required: true },
    sessionId: { type: String, required: true },
    serviceId: { type: String, required: true },
    service: { type: String, required: true },
    at: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)
visitSchema.index({ sessionId: 1, serviceId: 1 })

const VisitModel = model('CasVisit', visitSchema, 'casVisits')

export const visits = () => VisitModel.collection as unknown as Collection<VisitRecord>
