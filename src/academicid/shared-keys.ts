import { model, Schema } from 'mongoose'
import { type Config, ConfigError } from '../config.ts'
import type { Secrets } from '../keys/secrets.ts'
import { people } from '../people/people-store.ts'
import { upsertAgain } from '../store/duplicate-key.ts'
import { keyFingerprint } from './person-key.ts'

type KeyConfig = Pick<Config, 'academicIdUrl' | 'academicIdSharedKeys'>

/**
 * The keys over national numbers, the one in use first. Further ones are of a rotation: people are
 * looked for under all of them. Within its own registry an institution uses a secret of its own,
 * which goes on leading to everybody when shared keys are set later.
 */
export function sharedKeysOf(config: KeyConfig, secrets: Pick<Secrets, 'get'>): readonly Buffer[] {
  const { academicIdUrl: url, academicIdSharedKeys: keys } = config
  return url === undefined ? [...keys, secrets.get('academicid')] : keys
}

/** Under which shared key everybody of this institution is to be found. */
interface KeyState {
  _id: string
  fingerprint: string
}

const KeyStateModel = model(
  'AcademicIdKeyState',
  new Schema<KeyState>(
    { _id: { type: String, required: true }, fingerprint: { type: String, required: true } },
    { versionKey: false, collection: 'academicIdKeyState' },
  ),
)

const stateId = 'shared-key'

/**
 * Refuses keys under which the people who have an AcademicID would not be found: a mistyped key, or
 * one that was taken away before everybody was registered under the new one. Everybody would get a
 * second id.
 *
 * @param keys the one in use first
 * @throws {ConfigError} naming fingerprints, never a key
 */
export async function checkSharedKeys(keys: readonly Buffer[]): Promise<void> {
  const fingerprints = keys.map(keyFingerprint)
  const inUse = fingerprints[0] as string
  const state = await KeyStateModel.findById(stateId).lean<KeyState | null>()
  if (state && fingerprints.includes(state.fingerprint)) return
  if (state && (await people().findOne({ academicId: { $exists: true } }))) {
    throw new ConfigError([
      `ACADEMICID_SHARED_KEYS: this institution's people are registered under the key with the fingerprint ${state.fingerprint}, ` +
        `which is not among the configured ones (${fingerprints.join(', ')}); with another key they would get a second AcademicID. ` +
        'Put the right key back, or follow the rotation in docs/academicid.md: the old key stays, behind the new one, until "propylaia academicid rekey" is through. Nothing has been changed.',
    ])
  }
  await storeFingerprint(inUse)
}

/** Everybody is registered under this key: the others may go. */
export function settleSharedKey(key: Buffer): Promise<void> {
  return storeFingerprint(keyFingerprint(key))
}

async function storeFingerprint(fingerprint: string): Promise<void> {
  // Machines start at the same time.
  await upsertAgain(() =>
    KeyStateModel.updateOne({ _id: stateId }, { $set: { fingerprint } }, { upsert: true }),
  )
}
