import { model, Schema } from 'mongoose'
import type { LogoutOutcome } from './logout-channels.ts'
import type { SessionService } from './sessions.ts'

const serviceSchema = new Schema(
  {
    protocol: { type: String, required: true },
    id: { type: String, required: true },
    nameId: String,
    nameIdFormat: String,
    sessionIndex: String,
    sessionId: { type: String, required: true },
    /** `back`: server to server, begun already. `front`: by the browser, from the page. */
    channel: { type: String, required: true },
    /** Address that the browser can be sent to; also for a service whose back channel fails. */
    frontUrl: String,
    frontNeedsScript: Boolean,
    /** Absent until it is known. */
    outcome: String,
    /** Ids of the messages that the browser carried to it. */
    requestIds: [String],
  },
  { _id: false },
)

/**
 * A logout on its way: the session is over already, its services are being told. Lives as long as a
 * person may look at its page; then everything about them goes.
 */
const logoutRunSchema = new Schema(
  {
    /** In addresses: worth nothing without the browser's cookie. */
    _id: { type: String, required: true },
    /** Keyed hash of that cookie, hex. */
    browserHmac: { type: String, required: true },
    personId: { type: String, required: true },
    username: { type: String, required: true },
    startedAt: { type: Date, required: true },
    /** When the page was first shown: services told by the browser have their time from then. */
    shownAt: Date,
    services: [serviceSchema],
    /** LogoutEnd as JSON. */
    end: String,
    /** The TTL index deletes late: compare this too. */
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)
// Answers to messages that a browser carried come with nothing but the message's id.
logoutRunSchema.index({ 'services.requestIds': 1 }, { sparse: true })

export const LogoutRunModel = model('LogoutRun', logoutRunSchema, 'logoutRuns')

export interface RunService extends SessionService {
  readonly sessionId: string
  readonly channel: 'back' | 'front'
  readonly frontUrl?: string
  readonly frontNeedsScript?: boolean
  readonly outcome?: LogoutOutcome
  readonly requestIds?: string[]
}

export interface LogoutRunRecord {
  readonly _id: string
  readonly browserHmac: string
  readonly personId: string
  readonly username: string
  readonly startedAt: Date
  readonly shownAt?: Date
  readonly services: RunService[]
  readonly end?: string
  readonly expiresAt: Date
}
