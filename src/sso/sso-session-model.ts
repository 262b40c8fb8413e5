import { model, Schema } from 'mongoose'

/**
 * The sign-ins that exist, for people and admins to see and end, and the services in each, for
 * logout. The browser's own copy is in the express session; this record is written at sign-in and
 * when a service joins, not on every request.
 */
const ssoSessionSchema = new Schema(
  {
    /** SsoSession.id */
    _id: { type: String, required: true },
    generation: Number,
    personId: { type: String, required: true, index: true },
    username: { type: String, required: true },
    /** Key of the express session that carries it; whoever destroys that ends the sign-in. */
    expressSessionId: { type: String, required: true },
    startedAt: { type: Date, required: true },
    authnInstant: { type: Date, required: true },
    address: String,
    userAgent: String,
    services: [
      new Schema(
        {
          /** Protocol and service id. */
          key: { type: String, required: true },
          protocol: { type: String, required: true },
          id: { type: String, required: true },
          nameId: String,
          nameIdFormat: String,
          sessionIndex: String,
          joinedAt: { type: Date, required: true },
        },
        { _id: false },
      ),
    ],
    /** Somebody ends it: nothing of it counts any more (session-record.ts). */
    endingAt: Date,
    /** Until then one process tells the services; then another takes over. */
    tellingUntil: Date,
    /** The TTL index deletes late: compare this too. */
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

// By which a service names sign-ins when it ends them without the browser (SAML Core 3.7.1).
ssoSessionSchema.index({ 'services.sessionIndex': 1 }, { sparse: true })
ssoSessionSchema.index({ 'services.nameId': 1 }, { sparse: true })

// What a process that died left unfinished.
ssoSessionSchema.index({ endingAt: 1 }, { sparse: true })

export const SsoSessionModel = model('SsoSession', ssoSessionSchema, 'ssoSessions')
