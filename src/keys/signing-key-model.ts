import { type InferSchemaType, model, Schema } from 'mongoose'
import { keyUses } from './signing-key.ts'

const stepSchema = new Schema(
  {
    /** As the audit log calls it: `key.staged`, `key.activated` … */
    event: { type: String, required: true },
    at: { type: Date, required: true },
    by: { type: String, required: true },
  },
  { _id: false },
)

const signingKeySchema = new Schema(
  {
    /** kid: RFC 7638 thumbprint of the public key. */
    _id: { type: String, required: true },
    use: { type: String, enum: keyUses, required: true },
    /** 1, 2, 3 … for each use. The unique index lets one of several first starts win. */
    generation: { type: Number, required: true },
    type: { type: String, match: /^(rsa-\d{4}|ec-p256)$/, required: true },
    /** As written; of several active ones the last activation counts, see key-states.ts. */
    state: { type: String, enum: ['staged', 'active', 'retiring', 'retired'], required: true },
    /** 1, 2, 3 … for each use, given when a key becomes active. Absent: before all that have one. */
    activation: { type: Number },
    /** Which master key sealed the private key. */
    masterKeyId: { type: String },
    /** PKCS#8 DER, sealed with the kid as purpose. Absent: kept by the key signer, or erased. */
    sealedPrivateKey: { type: String },
    /** What the key signer knows the key as. */
    signerLabel: { type: String },
    /** Base64 of the SubjectPublicKeyInfo; keys of older versions lack it while they are sealed. */
    publicKey: { type: String },
    /** Base64 DER; SAML keys only. */
    certificate: { type: String },
    createdAt: { type: Date, required: true },
    stagedAt: { type: Date },
    activatedAt: { type: Date },
    retiringAt: { type: Date },
    retiredAt: { type: Date },
    revokedAt: { type: Date },
    revokedReason: { type: String },
    history: { type: [stepSchema], default: undefined },
  },
  { versionKey: false },
)
signingKeySchema.index({ use: 1, generation: 1 }, { unique: true })
// Of two activations at the same time one is refused.
signingKeySchema.index(
  { use: 1, activation: 1 },
  { unique: true, partialFilterExpression: { activation: { $gt: 0 } } },
)

export type SigningKeyRecord = Omit<InferSchemaType<typeof signingKeySchema>, 'history'> & {
  history?: { event: string; at: Date; by: string }[] | null
}

export const SigningKeyModel = model('SigningKey', signingKeySchema, 'signingKeys')

/** Bound to the sealed private key: none can stand in for another. */
export function sealingPurpose(kid: string): string {
  return `signing-key:${kid}`
}
