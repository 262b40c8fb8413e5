import { randomBytes } from 'node:crypto'
import { model, Schema } from 'mongoose'
import { ConfigError } from '../config.ts'
import type { MasterKey } from './master-key.ts'
import { open, seal } from './sealing.ts'
import { type SecretName, type Secrets, secretNames } from './secrets.ts'

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

const SecretModel = model('Secret', secretSchema, 'secrets')

/**
 * Opens this institution's secrets, making those that do not exist yet. Machines that start at the
 * same time agree: the first insert of a name wins and everyone reads it back.
 *
 * @throws {ConfigError} when a secret was sealed under another master key; nothing is overwritten
 */
export async function openSecrets(masterKey: MasterKey, now: Date): Promise<Secrets> {
  await SecretModel.bulkWrite(
    secretNames.map((name) => ({
      updateOne: {
        filter: { _id: name },
        update: {
          $setOnInsert: {
            masterKeyId: masterKey.id,
            sealed: seal(masterKey.bytes, randomBytes(32), purposeOf(name)),
            createdAt: now,
          },
        },
        upsert: true,
      },
    })),
    { ordered: false },
  )
  const opened = new Map<string, Buffer>()
  for (const record of await SecretModel.find().lean()) {
    if (record.masterKeyId !== masterKey.id) throw wrongMasterKey(record.masterKeyId, masterKey.id)
    opened.set(record._id, open(masterKey.bytes, record.sealed, purposeOf(record._id)))
  }
  return {
    get(name: SecretName) {
      const secret = opened.get(name)
      if (!secret) throw new Error(`secret "${name}" is not in the store`)
      return secret
    },
  }
}

/** The one message for a store that belongs to another master.key. */
export function wrongMasterKey(expectedId: string, actualId: string): ConfigError {
  return new ConfigError([
    `CERTS_DIR: the store was sealed under the master key ${expectedId}, but the master.key there is ${actualId}; ` +
      'put the right master.key back (from your backup). Nothing has been changed.',
  ])
}

function purposeOf(name: string): string {
  return `secret:${name}`
}
