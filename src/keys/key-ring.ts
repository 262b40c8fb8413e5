import { createPublicKey } from 'node:crypto'
import type { Config } from '../config.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { certificateSignedBy } from './certificate.ts'
import { firstStart } from './key-records.ts'
import { countedStates, publishedIn, slotOf } from './key-states.ts'
import { type KeyVault, openKey, sealPrivateKey } from './key-vault.ts'
import { localKey, makePrivateKey, thumbprint } from './local-key.ts'
import {
  type KeyRing,
  type KeyState,
  type KeyType,
  type KeyUse,
  type SigningKey,
  signatureAlgorithm,
} from './signing-key.ts'
import { SigningKeyModel, type SigningKeyRecord } from './signing-key-model.ts'

const publicationOrder: readonly KeyState[] = ['active', 'staged', 'retiring']

type KeySettings = Pick<
  Config,
  'samlKeyType' | 'oidcKeyType' | 'samlEncryptionKeyType' | 'certificateDays' | 'baseUrl'
>

/**
 * Opens the signing keys, making the first one of each use when there is none.
 *
 * @throws {ConfigError} when the keys were sealed under another master key
 */
export async function openKeyRing(
  config: KeySettings,
  vault: KeyVault,
  now: () => Date,
): Promise<KeyRing> {
  // The unique index must stand before two first starts can race.
  await SigningKeyModel.init()
  for (const [use, type] of firstKeys(config)) await makeFirstKey(config, vault, use, type, now())

  const openKeys = keyOpener(vault)
  let keys = openKeys(await readRecords())
  let reads = 0
  let shown = 0
  const listeners = new Set<() => void>()
  return {
    active(use, algorithm = 'RS256') {
      const key = keys.find(
        (candidate) =>
          candidate.use === use &&
          candidate.state === 'active' &&
          (use !== 'oidc' || signatureAlgorithm(candidate) === algorithm),
      )
      if (!key) throw new Error(`no active ${use} signing key in the store`)
      return key
    },
    published(use) {
      return publicationOrder.flatMap((state) =>
        keys.filter((key) => key.use === use && key.state === state && publishedIn(use, state)),
      )
    },
    decrypting() {
      return keys.filter((key) => key.use === 'saml-encryption')
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async reload() {
      const turn = ++reads
      const fresh = openKeys(await readRecords())
      // Of two at a time the one that began first may end last, with what was then.
      if (turn < shown) return
      shown = turn
      const fingerprint = (set: readonly SigningKey[]) =>
        set.map((key) => `${key.kid} ${key.state}`).join()
      const changed = fingerprint(fresh) !== fingerprint(keys)
      keys = fresh
      if (changed) for (const listener of listeners) listener()
    },
  }
}

/** What there must be a key for. An OpenID provider must support RS256 (Discovery 3), so there always is one. */
function firstKeys(config: KeySettings): [KeyUse, KeyType][] {
  const { samlKeyType, oidcKeyType, samlEncryptionKeyType } = config
  const wanted: [KeyUse, KeyType][] = [
    ['saml', samlKeyType],
    ['oidc', oidcKeyType === 'ec-p256' ? 'rsa-2048' : oidcKeyType],
  ]
  if (oidcKeyType === 'ec-p256') wanted.push(['oidc', oidcKeyType])
  if (samlEncryptionKeyType !== 'none') wanted.push(['saml-encryption', samlEncryptionKeyType])
  return wanted
}

async function makeFirstKey(
  config: KeySettings,
  vault: KeyVault,
  use: KeyUse,
  type: KeyType,
  now: Date,
): Promise<void> {
  const existing = await SigningKeyModel.find({ use }, { type: 1, generation: 1 }).lean()
  if (existing.some((key) => slotOf({ use, type: key.type }) === slotOf({ use, type }))) return
  const made = await newKeyRecord(config, vault, { use, type, now })
  const record: SigningKeyRecord = {
    ...made,
    generation: 1 + Math.max(0, ...existing.map(({ generation }) => generation)),
    state: 'active',
    activatedAt: now,
    history: [{ event: 'key.activated', at: now, by: firstStart }],
  }
  try {
    await SigningKeyModel.create(record)
  } catch (error) {
    // Another machine made it first: its key is the institution's.
    if (!isDuplicateKey(error)) throw error
  }
}

/** A new key made here, sealed, with a certificate where SAML metadata will carry it. */
export async function newKeyRecord(
  config: Pick<Config, 'baseUrl' | 'certificateDays'>,
  vault: KeyVault,
  wanted: { use: KeyUse; type: KeyType; now: Date; certificateDays?: number },
) {
  const { use, type, now } = wanted
  const privateKey = await makePrivateKey(type)
  const publicKey = createPublicKey(privateKey)
  const kid = thumbprint(publicKey)
  const facts = { kid, use, type, state: 'staged' as const, createdAt: now }
  const days = wanted.certificateDays ?? config.certificateDays
  return {
    _id: kid,
    use,
    type,
    ...sealPrivateKey(vault, kid, privateKey),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    certificate: await certificateFor(config, localKey(facts, privateKey), now, days),
    createdAt: now,
  }
}

/** A certificate signed by the key itself; none for OpenID Connect, which publishes bare keys. */
export async function certificateFor(
  config: Pick<Config, 'baseUrl'>,
  key: Pick<SigningKey, 'use' | 'publicKey' | 'sign'>,
  notBefore: Date,
  days: number,
): Promise<string | undefined> {
  if (key.use === 'oidc') return undefined
  const commonName = new URL(config.baseUrl).hostname
  return certificateSignedBy({ publicKey: key.publicKey, commonName, notBefore, days }, key.sign)
}

async function readRecords(): Promise<SigningKeyRecord[]> {
  const records = await SigningKeyModel.find({ state: { $ne: 'retired' } })
    .sort({ generation: -1 })
    .lean()
  return countedStates(records as SigningKeyRecord[])
}

/** Opens records; one that is as it was the time before is open already. */
function keyOpener(vault: KeyVault): (records: readonly SigningKeyRecord[]) => SigningKey[] {
  let known = new Map<string, SigningKey>()
  return (records) => {
    const opened = new Map<string, SigningKey>()
    for (const record of records) {
      const content = JSON.stringify(record)
      opened.set(content, known.get(content) ?? openKey(vault, record))
    }
    known = opened
    return [...opened.values()]
  }
}
