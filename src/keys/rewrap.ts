import { existsSync } from 'node:fs'
import { ConfigError } from '../config.ts'
import { bumpVersion } from '../store/versions.ts'
import {
  createKeyFile,
  type MasterKey,
  type MasterKeys,
  promoteNextKey,
  readKeyFile,
} from './master-key.ts'
import { wrongMasterKey } from './master-key-check.ts'
import { open, seal } from './sealing.ts'
import { SecretModel, secretPurpose } from './secrets-model.ts'
import { SigningKeyModel, sealingPurpose } from './signing-key-model.ts'

/** One sealed record of the store, whatever it holds. */
interface Sealed {
  readonly id: string
  readonly masterKeyId: string
  readonly sealed: string
  readonly purpose: string
  /** Puts another seal on it, unless it changed since it was read. */
  replace(by: { masterKeyId: string; sealed: string }): Promise<boolean>
}

export interface RewrapReport {
  /** `rotated`: another key seals now. `finished`: what an earlier run left was sealed anew. */
  readonly outcome: 'rotated' | 'finished'
  readonly from: readonly string[]
  readonly to: string
  readonly resealed: number
}

/**
 * Puts a new master key in the place of the present one while servers run. Until the end both open:
 * records name the key that sealed them, each is replaced by one write, and servers read `certs/`
 * again when they meet a key they do not know. Cut off anywhere, everything can still be opened, and
 * the next run goes on.
 *
 * With `master.key`: `master.key.next` takes over (made here when it is not there), and the former
 * key stays as `master.key.previous`. With MASTER_KEY its first key takes over.
 *
 * @throws {ConfigError} when something is sealed under a key that is not here
 */
export async function rewrapStore(masterKeys: MasterKeys): Promise<RewrapReport> {
  const { files, source } = masterKeys
  const current = masterKeys.current()
  if (!current) throw new Error('there is no master key to replace')
  const before = await sealedRecords()
  const isBegun = before.some(({ masterKeyId }) => masterKeyId !== current.id)
  let target = current
  if (source === 'CERTS_DIR' && (existsSync(files.next) || !isBegun)) {
    if (!existsSync(files.next)) createKeyFile(files.next)
    target = readKeyFile(files.next) as MasterKey
  }
  const from = new Set<string>()
  let resealed = await resealAll(masterKeys, target, from)
  if (target !== current && source === 'CERTS_DIR') {
    promoteNextKey(files, { from: current, to: target })
    // What a server sealed under the former key meanwhile.
    resealed += await resealAll(masterKeys, target, from)
  }
  await bumpVersion('keys')
  const outcome = target !== current || source === 'MASTER_KEY' ? 'rotated' : 'finished'
  return { outcome, from: [...from], to: target.id, resealed }
}

/**
 * Lays the next master key ready, for machines that must have it before it seals anything.
 *
 * @param newKeyFile a key made elsewhere; one is made when not given
 * @throws {ConfigError} when another one lies ready, or the file is no key
 */
export function prepareNextKey(
  masterKeys: MasterKeys,
  newKeyFile?: string,
): { readonly file: string; readonly id: string } {
  const { files, source } = masterKeys
  if (source === 'MASTER_KEY') {
    throw new ConfigError([
      'MASTER_KEY: the master key comes from this setting; put the new key before the present one there, separated by a comma, and run: propylaia keys rewrap',
    ])
  }
  const given = newKeyFile === undefined ? undefined : readKeyFile(newKeyFile)
  if (newKeyFile !== undefined && !given) {
    throw new ConfigError([`${newKeyFile}: there is no such file`])
  }
  const ready = readKeyFile(files.next)
  if (ready && given && ready.id !== given.id) {
    throw new ConfigError([
      `CERTS_DIR: ${files.next} holds another key (${ready.id}) already; finish its rotation with "propylaia keys rewrap", or remove it if no machine uses it`,
    ])
  }
  if (!ready) createKeyFile(files.next, given?.bytes)
  return { file: files.next, id: (readKeyFile(files.next) as MasterKey).id }
}

async function resealAll(
  masterKeys: MasterKeys,
  target: MasterKey,
  from: Set<string>,
): Promise<number> {
  let count = 0
  // Until nothing is left: a record may change, or be added, while the others are sealed.
  for (;;) {
    const left = (await sealedRecords()).filter(({ masterKeyId }) => masterKeyId !== target.id)
    if (left.length === 0) return count
    // All of them can be opened, or none is touched.
    const plain = left.map((record) => {
      const key = masterKeys.find(record.masterKeyId)
      if (!key) throw wrongMasterKey(record.masterKeyId, masterKeys)
      return open(key.bytes, record.sealed, record.purpose)
    })
    for (const [index, record] of left.entries()) {
      const sealed = seal(target.bytes, plain[index]!, record.purpose)
      if (await record.replace({ masterKeyId: target.id, sealed })) {
        from.add(record.masterKeyId)
        count += 1
      }
    }
  }
}

/** Everything that is sealed under a master key. What else is sealed, is so under one of the secrets. */
async function sealedRecords(): Promise<Sealed[]> {
  const [secrets, keys] = await Promise.all([
    SecretModel.find().lean(),
    SigningKeyModel.find({ sealedPrivateKey: { $exists: true } }).lean(),
  ])
  return [
    ...secrets.map(({ _id, masterKeyId, sealed }) => ({
      id: _id,
      masterKeyId,
      sealed,
      purpose: secretPurpose(_id),
      async replace(by: { masterKeyId: string; sealed: string }) {
        const { modifiedCount } = await SecretModel.updateOne({ _id, sealed }, { $set: by })
        return modifiedCount === 1
      },
    })),
    ...keys.flatMap(({ _id, masterKeyId, sealedPrivateKey }) =>
      masterKeyId && sealedPrivateKey
        ? [
            {
              id: _id,
              masterKeyId,
              sealed: sealedPrivateKey,
              purpose: sealingPurpose(_id),
              async replace(by: { masterKeyId: string; sealed: string }) {
                const { modifiedCount } = await SigningKeyModel.updateOne(
                  { _id, sealedPrivateKey },
                  { $set: { masterKeyId: by.masterKeyId, sealedPrivateKey: by.sealed } },
                )
                return modifiedCount === 1
              },
            },
          ]
        : [],
    ),
  ]
}
