import { type InferSchemaType, model, Schema } from 'mongoose'

const signingKeySchema = new Schema(
  {
    /** kid: RFC 7638 thumbprint of the public key. */
    _id: { type: String, required: true },
    use: { type: String, enum: ['saml', 'oidc'], required: true },
    /** 1, 2, 3 … for each use. The unique index lets one of several first starts win. */
    generation: { type: Number, required: true },
    type: { type: String, enum: ['rsa-2048', 'rsa-3072', 'rsa-4096'], required: true },
    state: { type: String, enum: ['staged', 'active', 'retiring', 'retired'], required: true },
    /** Which master key sealed the private key. */
    masterKeyId: { type: String, required: true },
    /** PKCS#8 DER, sealed with the kid as purpose. */
    sealedPrivateKey: { type: String, required: true },
    /** Base64 DER; SAML keys only. */
    certificate: { type: String },
    createdAt: { type: Date, required: true },
    stagedAt: { type: Date },
    activatedAt: { type: Date },
  },
  { versionKey: false },
)
signingKeySchema.index({ use: 1, generation: 1 }, { unique: true })

export type SigningKeyRecord = InferSchemaType<typeof signingKeySchema>

export const SigningKeyModel = model('SigningKey', signingKeySchema, 'signingKeys')
