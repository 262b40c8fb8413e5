import { ConfigError } from '../config.ts'
import type { MasterKey, MasterKeys } from './master-key.ts'
import { SecretModel } from './secrets-model.ts'
import { SigningKeyModel } from './signing-key-model.ts'

/**
 * The master key to seal with, made when neither key nor sealed records are there. Before anything
 * is written it is certain that all that is sealed can be opened: a start with another master key,
 * or without one, leaves store and `certs/` as they are.
 *
 * @throws {ConfigError} the master key is another one, or missing
 */
export async function provideMasterKey(masterKeys: MasterKeys): Promise<MasterKey> {
  const current = masterKeys.current()
  for (const id of await sealingKeyIds()) {
    if (masterKeys.find(id)) continue
    if (current) throw wrongMasterKey(id, masterKeys)
    throw new ConfigError([
      `CERTS_DIR: ${masterKeys.files.current} is missing, and the store was sealed under the master key ${id}; ` +
        'put it back (from your backup) or give it as MASTER_KEY. No new one has been made, nothing has been changed.',
    ])
  }
  if (current) return current
  if ((await sealingKeyIds()).length > 0) {
    throw new ConfigError([
      `CERTS_DIR: ${masterKeys.files.current} is missing; rename ${masterKeys.files.previous} or ${masterKeys.files.next}, ` +
        'whichever is there, or restore it from your backup. Nothing has been changed.',
    ])
  }
  return masterKeys.make()
}

/** Ids of the master keys under which something in the store is sealed. */
export async function sealingKeyIds(): Promise<string[]> {
  const [ofSecrets, ofKeys] = await Promise.all([
    SecretModel.find({}, { masterKeyId: 1 }).lean(),
    SigningKeyModel.find({ masterKeyId: { $exists: true } }, { masterKeyId: 1 }).lean(),
  ])
  return [
    ...new Set(
      [...ofSecrets, ...ofKeys].flatMap(({ masterKeyId }) => (masterKeyId ? [masterKeyId] : [])),
    ),
  ]
}

/** The one message for a store that belongs to another master key. */
export function wrongMasterKey(expectedId: string, masterKeys: MasterKeys): ConfigError {
  const place =
    masterKeys.source === 'MASTER_KEY'
      ? 'MASTER_KEY: the store was sealed under the master key'
      : 'CERTS_DIR: the store was sealed under the master key'
  return new ConfigError([
    `${place} ${expectedId}, but the master key here is ${masterKeys.current()?.id}; ` +
      'put the right master.key back (from your backup). Nothing has been changed.',
  ])
}
