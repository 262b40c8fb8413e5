import { model, Schema } from 'mongoose'

const secretSchema = new Schema(
  {
    _id: { type: String, required: true },
    /** Which master key sealed it. */
    masterKeyId: { type: String, required: true },
    sealed: { type: String, required: true },
    createdAt: { type: Date, required: true },
  },
  { versionKey: false },
)

export const SecretModel = model('Secret', secretSchema, 'secrets')

export function secretPurpose(name: string): string {
  return `secret:${name}`
}
