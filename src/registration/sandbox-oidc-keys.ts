import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { model, Schema } from 'mongoose'
import type { JWK } from 'oidc-provider'
import type { AppContext } from '../context.ts'
import { open, seal } from '../keys/sealing.ts'
import { upsertAgain } from '../store/duplicate-key.ts'

const makeKeyPair = promisify(generateKeyPair)

interface SandboxOidcKey {
  readonly _id: 'RS256' | 'ES256'
  /** AES-256-GCM, for this purpose alone. */
  readonly sealedPrivateKey: string
  readonly createdAt: Date
}

const SandboxOidcKeyModel = model<SandboxOidcKey>(
  'SandboxOidcKey',
  new Schema<SandboxOidcKey>(
    {
      _id: { type: String, required: true },
      sealedPrivateKey: { type: String, required: true },
      createdAt: { type: Date, required: true },
    },
    { versionKey: false },
  ),
  'sandboxOidcKeys',
)

const purpose = 'sandbox-oidc-key'

/**
 * What signs the ID tokens of people who do not exist: a key for each algorithm that a client may
 * register. None of them is the key ring's, so nobody who trusts us believes them. Made when first
 * needed; of several processes that make one the first one's stays.
 */
export async function sandboxJwks(
  context: Pick<AppContext, 'secrets' | 'now'>,
): Promise<{ keys: JWK[] }> {
  return { keys: [await jwkOf('RS256', context), await jwkOf('ES256', context)] }
}

async function jwkOf(
  _id: SandboxOidcKey['_id'],
  { secrets, now }: Pick<AppContext, 'secrets' | 'now'>,
): Promise<JWK> {
  const sealingKey = secrets.get('client-secret-seal')
  const { sealedPrivateKey } =
    (await SandboxOidcKeyModel.findById(_id).lean<SandboxOidcKey>()) ?? (await make())
  const key = open(sealingKey, sealedPrivateKey, purpose)
  const privateKey = createPrivateKey({ key, type: 'pkcs8', format: 'der' })
  return {
    ...(privateKey.export({ format: 'jwk' }) as JWK),
    kid: `sandbox-${_id}`,
    alg: _id,
    use: 'sig',
  }

  async function make(): Promise<SandboxOidcKey> {
    const { privateKey } =
      _id === 'RS256'
        ? await makeKeyPair('rsa', { modulusLength: 2048 })
        : await makeKeyPair('ec', { namedCurve: 'P-256' })
    const der = privateKey.export({ type: 'pkcs8', format: 'der' })
    const made = { sealedPrivateKey: seal(sealingKey, der, purpose), createdAt: now() }
    const first = await upsertAgain(() =>
      SandboxOidcKeyModel.findOneAndUpdate(
        { _id },
        { $setOnInsert: made },
        { upsert: true, returnDocument: 'after' },
      ).lean<SandboxOidcKey>(),
    )
    return first as SandboxOidcKey
  }
}
