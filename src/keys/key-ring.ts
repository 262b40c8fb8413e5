import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Config } from '../config.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { selfSignedCertificate } from './certificate.ts'
import type { MasterKey } from './master-key.ts'
import { open, seal } from './sealing.ts'
import { wrongMasterKey } from './secrets-store.ts'
import type { KeyRing, KeyState, KeyType, KeyUse, SigningKey } from './signing-key.ts'
import { SigningKeyModel, type SigningKeyRecord } from './signing-key-model.ts'

const makeKeyPair = promisify(generateKeyPair)

/** Ten years: the metadata's validUntil bounds trust, not this date. */
const certificateDays = 3650

const publicationOrder: readonly KeyState[] = ['active', 'staged', 'retiring']

export interface LiveKeyRing extends KeyRing {
  /** Reads the keys again; call when another process changed them. */
  reload(): Promise<void>
}

/**
 * Opens the signing keys, making the first one of each use when there is none.
 *
 * @throws {ConfigError} when the keys were sealed under another master key
 */
export async function openKeyRing(
  config: Pick<Config, 'samlKeyType' | 'oidcKeyType' | 'baseUrl'>,
  masterKey: MasterKey,
  now: () => Date,
): Promise<LiveKeyRing> {
  // The unique index must stand before two first starts can race.
  await SigningKeyModel.init()
  const commonName = new URL(config.baseUrl).hostname
  await makeFirstKey('saml', config.samlKeyType, commonName, masterKey, now())
  await makeFirstKey('oidc', config.oidcKeyType, commonName, masterKey, now())

  let keys = await readKeys(masterKey)
  const listeners = new Set<() => void>()
  return {
    active(use) {
      const key = keys.find((candidate) => candidate.use === use && candidate.state === 'active')
      if (!key) throw new Error(`no active ${use} signing key in the store`)
      return key
    },
    published(use) {
      return publicationOrder.flatMap((state) =>
        keys.filter((key) => key.use === use && key.state === state),
      )
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async reload() {
      const fresh = await readKeys(masterKey)
      const fingerprint = (set: readonly SigningKey[]) =>
        set.map((key) => `${key.kid} ${key.state}`).join()
      const changed = fingerprint(fresh) !== fingerprint(keys)
      keys = fresh
      if (changed) for (const listener of listeners) listener()
    },
  }
}

async function makeFirstKey(
  use: KeyUse,
  type: KeyType,
  commonName: string,
  masterKey: MasterKey,
  now: Date,
): Promise<void> {
  if (await SigningKeyModel.exists({ use })) return
  const pair = await makeKeyPair('rsa', { modulusLength: Number(type.slice('rsa-'.length)) })
  const kid = thumbprint(pair.publicKey)
  const record: SigningKeyRecord = {
    _id: kid,
    use,
    generation: 1,
    type,
    state: 'active',
    masterKeyId: masterKey.id,
    sealedPrivateKey: seal(
      masterKey.bytes,
      pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
      purposeOf(kid),
    ),
    certificate:
      use === 'saml'
        ? selfSignedCertificate({ ...pair, commonName, notBefore: now, days: certificateDays })
        : undefined,
    createdAt: now,
    activatedAt: now,
  }
  try {
    await SigningKeyModel.create(record)
  } catch (error) {
    // Another machine made generation 1 first: its key is the institution's.
    if (!isDuplicateKey(error)) throw error
  }
}

async function readKeys(masterKey: MasterKey): Promise<SigningKey[]> {
  const records = await SigningKeyModel.find({ state: { $ne: 'retired' } })
    .sort({ generation: -1 })
    .lean()
  return records.map((record) => {
    if (record.masterKeyId !== masterKey.id) throw wrongMasterKey(record.masterKeyId, masterKey.id)
    const der = open(masterKey.bytes, record.sealedPrivateKey, purposeOf(record._id))
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    return {
      kid: record._id,
      use: record.use,
      type: record.type,
      state: record.state,
      privateKey,
      publicKey: createPublicKey(privateKey),
      certificate: record.certificate ?? undefined,
      createdAt: record.createdAt,
    }
  })
}

/** RFC 7638 section 3: SHA-256 over the required members of the JWK in lexical order. */
function thumbprint(publicKey: KeyObject): string {
  const { e, kty, n } = publicKey.export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
}

function purposeOf(kid: string): string {
  return `signing-key:${kid}`
}
