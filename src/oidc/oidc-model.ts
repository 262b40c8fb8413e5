import { model, Schema } from 'mongoose'
import type { SignInMark } from '../people/account.ts'

/**
 * What oidc-provider keeps: codes, tokens, grants, interactions, its view of the session. One
 * collection, since all are read by key and die by time.
 */
const artifactSchema = new Schema(
  {
    /** `KIND:KEY`; KEY is the SHA-256 of whatever a holder could present (see adapter.ts). */
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    /** The library's payload as JSON text: client ids and claim names are not legal field names. */
    payload: { type: String, required: true },
    grantId: { type: String, index: { sparse: true } },
    /** Session only. */
    uid: { type: String, index: { sparse: true } },
    userCode: { type: String, index: { sparse: true } },
    /** Session only: base64url(client id) -> { clientId, sid, grantId, persistsLogout }. */
    authorizations: Schema.Types.Mixed,
    /** Session only: what the logout page waits for. */
    state: String,
    consumedAt: Date,
    /** Grant only: whose it is. */
    personId: { type: String, index: { sparse: true } },
    /** Grant only: SsoSession.id of the sign-in that it came from, and its `generation`. */
    sessionId: String,
    sessionGeneration: Number,
    /** Grant only: kept until it expires, so that its id is never granted again. */
    revokedAt: Date,
    /** The TTL index deletes late (a sweep about once a minute): compare this too. */
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false, minimize: false },
)

export interface GrantRecord {
  readonly _id: string
  readonly sessionId?: string
  readonly sessionGeneration?: number
}

/** The sign-in that a grant came from. */
export function grantMark({ sessionId, sessionGeneration }: Omit<GrantRecord, '_id'>): SignInMark {
  return { id: sessionId ?? '', generation: sessionGeneration }
}

export const ArtifactModel = model('OidcArtifact', artifactSchema, 'oidcArtifacts')
