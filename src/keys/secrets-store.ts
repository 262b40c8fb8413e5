import { randomBytes } from 'node:crypto'
import type { MasterKeys } from './master-key.ts'
import { provideMasterKey, wrongMasterKey } from './master-key-check.ts'
import { open, seal } from './sealing.ts'
import { type SecretName, type Secrets, secretNames } from './secrets.ts'
import { SecretModel, secretPurpose } from './secrets-model.ts'

/**
 * Opens this institution's secrets, making those that do not exist yet. Machines that start at the
 * same time agree: the first insert of a name wins and everyone reads it back.
 *
 * @throws {ConfigError} when a secret was sealed under a master key that is not here; nothing is
 *   written then
 */
export async function openSecrets(masterKeys: MasterKeys, now: Date): Promise<Secrets> {
  const masterKey = await provideMasterKey(masterKeys)
  await SecretModel.bulkWrite(
    secretNames.map((name) => ({
      updateOne: {
        filter: { _id: name },
        update: {
          $setOnInsert: {
            masterKeyId: masterKey.id,
            sealed: seal(masterKey.bytes, randomBytes(32), secretPurpose(name)),
            createdAt: now,
          },
        },
        upsert: true,
      },
    })),
    { ordered: false },
  )
  const opened = new Map<string, Buffer>()
  for (const { _id, masterKeyId, sealed } of await SecretModel.find().lean()) {
    const key = masterKeys.find(masterKeyId)
    if (!key) throw wrongMasterKey(masterKeyId, masterKeys)
    opened.set(_id, open(key.bytes, sealed, secretPurpose(_id)))
  }
  return {
    get(name: SecretName) {
      const secret = opened.get(name)
      if (!secret) throw new Error(`secret "${name}" is not in the store`)
      return secret
    },
  }
}
