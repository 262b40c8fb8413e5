import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'

/** What a client did at its sandbox, or what was wrong with it. */
export interface SandboxEvent {
  readonly at: Date
  readonly isWrong: boolean
  /** Names the text `registration.trial.event.<code>`. */
  readonly code: string
  /** Technical, in English, partly the service's own words. Never a secret, a code or a token. */
  readonly detail?: string
}

/** The time in which one request's client can try logins, and what it did then. */
export interface SandboxTrial {
  /** RegistrationRequest._id */
  readonly _id: string
  readonly openUntil: Date
  /** Oldest first, the last few only. */
  readonly events: readonly SandboxEvent[]
  readonly forgottenAt: Date
}

/** What oidc-provider keeps for sandboxes: nothing in it is worth anything outside of one. */
export interface SandboxArtifact {
  /** `REFERENCE:KIND:KEY`; KEY is a SHA-256. */
  readonly _id: string
  /** JSON */
  readonly payload: string
  readonly grantId?: string
  readonly consumedAt?: Date
  readonly expiresAt: Date
}

const TrialModel = model(
  'SandboxTrial',
  new Schema(
    {
      _id: { type: String, required: true },
      openUntil: { type: Date, required: true },
      events: { type: [Schema.Types.Mixed], required: true },
      forgottenAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
    },
    { versionKey: false },
  ),
  'sandboxTrials',
)

const ArtifactModel = model(
  'SandboxArtifact',
  new Schema(
    {
      _id: { type: String, required: true },
      payload: { type: String, required: true },
      grantId: { type: String, index: { sparse: true } },
      consumedAt: Date,
      expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
    },
    { versionKey: false },
  ),
  'sandboxArtifacts',
)

export const sandboxTrials = () => TrialModel.collection as unknown as Collection<SandboxTrial>
export const sandboxArtifacts = () =>
  ArtifactModel.collection as unknown as Collection<SandboxArtifact>
