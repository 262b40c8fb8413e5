import { model, type mongo, Schema } from 'mongoose'

/** One key of one person. A person has as many as they have numbers (and shared keys in rotation). */
export interface RegisteredKey {
  /** Base64url, see person-key.ts. The unique `_id` is what makes ids unique under concurrent calls. */
  readonly _id: string
  readonly academicId: string
  /** When the id was made, the same for all its keys. */
  readonly createdAt: Date
}

const registeredKeySchema = new Schema(
  {
    _id: { type: String, required: true },
    academicId: { type: String, required: true },
    createdAt: { type: Date, required: true },
  },
  { versionKey: false, collection: 'academicIds' },
)

// A merge finds the keys of an id.
registeredKeySchema.index({ academicId: 1 })

const RegisteredKeyModel = model('RegisteredKey', registeredKeySchema)

/** Plain documents: nothing to cast, and a look-up is to cost what a look-up by `_id` costs. */
export const registeredKeys = () =>
  RegisteredKeyModel.collection as unknown as mongo.Collection<RegisteredKey>

/** The index stands before the first request. */
export async function prepareRegistry(): Promise<void> {
  await RegisteredKeyModel.init()
}
