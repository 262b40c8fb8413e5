import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { selfSignedCertificate } from '../keys/certificate.ts'
import { localKey } from '../keys/local-key.ts'
import { open, seal } from '../keys/sealing.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { upsertAgain } from '../store/duplicate-key.ts'

const makeKeyPair = promisify(generateKeyPair)
const certificateDays = 3650

interface SandboxKey {
  readonly _id: 'saml'
  /** AES-256-GCM, for this purpose alone. */
  readonly sealedPrivateKey: string
  readonly certificate: string
  readonly createdAt: Date
}

const SandboxKeyModel = model<SandboxKey>(
  'SandboxKey',
  new Schema<SandboxKey>(
    {
      _id: { type: String, required: true },
      sealedPrivateKey: { type: String, required: true },
      certificate: { type: String, required: true },
      createdAt: { type: Date, required: true },
    },
    { versionKey: false },
  ),
  'sandboxKeys',
)

const purpose = 'sandbox-signing-key'

/**
 * The key that signs for people who do not exist. It is none of the key ring's: no metadata or JWKS
 * of ours publishes it, so nobody who trusts us believes it. Made when first needed; of several
 * processes that make one the first one's stays.
 */
export async function sandboxKey({
  config,
  secrets,
  now,
}: Pick<AppContext, 'config' | 'secrets' | 'now'>): Promise<SigningKey> {
  const sealingKey = secrets.get('client-secret-seal')
  const kept = (await SandboxKeyModel.findById('saml').lean<SandboxKey>()) ?? (await make())
  const der = open(sealingKey, kept.sealedPrivateKey, purpose)
  const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
  const { certificate, createdAt } = kept
  return localKey(
    { kid: 'sandbox', use: 'saml', type: 'rsa-2048', state: 'active', certificate, createdAt },
    privateKey,
  )

  async function make(): Promise<SandboxKey> {
    const pair = await makeKeyPair('rsa', { modulusLength: 2048 })
    const createdAt = now()
    const commonName = `sandbox.${new URL(config.baseUrl).hostname}`
    const made = {
      sealedPrivateKey: seal(
        sealingKey,
        pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
        purpose,
      ),
      certificate: selfSignedCertificate({
        ...pair,
        commonName,
        notBefore: createdAt,
        days: certificateDays,
      }),
      createdAt,
    }
    const first = await upsertAgain(() =>
      SandboxKeyModel.findOneAndUpdate(
        { _id: 'saml' },
        { $setOnInsert: made },
        { upsert: true, returnDocument: 'after' },
      ).lean<SandboxKey>(),
    )
    return first as SandboxKey
  }
}
