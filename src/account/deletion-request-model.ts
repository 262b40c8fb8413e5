import { model, Schema } from 'mongoose'

/** withdrawn: by the person; done: admins have dealt with it. */
export type DeletionRequestState = 'open' | 'withdrawn' | 'done'

/** Somebody's wish that what is held about them goes. People decide: much must be kept by law. */
export interface DeletionRequest {
  /** What the person quotes and admins type, e.g. `K7F-2QX`. */
  readonly _id: string
  readonly personId: string
  /** As it was at the request. */
  readonly username: string
  readonly state: DeletionRequestState
  readonly createdAt: Date
  readonly closedAt?: Date
  /** A closed request is kept until then, to answer what became of it. */
  readonly forgottenAt?: Date
}

const deletionRequestSchema = new Schema(
  {
    _id: { type: String, required: true },
    personId: { type: String, required: true },
    username: { type: String, required: true },
    state: { type: String, required: true },
    createdAt: { type: Date, required: true },
    closedAt: Date,
    forgottenAt: { type: Date, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)
deletionRequestSchema.index({ personId: 1, createdAt: -1 })
deletionRequestSchema.index({ state: 1, createdAt: 1 })
// One open request a person, also when two are sent at once.
deletionRequestSchema.index(
  { personId: 1 },
  { unique: true, partialFilterExpression: { state: 'open' }, name: 'one_open' },
)

export const DeletionRequestModel = model(
  'DeletionRequest',
  deletionRequestSchema,
  'deletionRequests',
)
