import { model, Schema } from 'mongoose'

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
    /** Grant only: kept until it expires, so that its id is never granted again. */
    revokedAt: Date,
    /** The TTL index deletes late (a sweep about once a minute): compare this too. */
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false, minimize: false },
)

export const ArtifactModel = model('OidcArtifact', artifactSchema, 'oidcArtifacts')
