import { IdpError } from '../../errors.ts'
import { isDuplicateKey } from '../../store/duplicate-key.ts'
import { bumpVersion } from '../../store/versions.ts'
import { clearServiceCache } from '../service-store.ts'
import { removeGeneration } from './aggregate-import.ts'
import {
  type FederationFilters,
  type FederationRecord,
  type FederationSource,
  federations,
} from './federation-model.ts'
import { mdqAnswers } from './mdq-model.ts'
import { readPinnedKeys } from './pinned-keys.ts'

export interface NewFederation {
  readonly name: string
  readonly source: FederationSource
  readonly keysPem: string
  readonly filters: FederationFilters
  readonly maxValidityDays: number
  readonly isUnpublished?: boolean
}

/**
 * Adds a federation; its metadata comes with the first refresh.
 *
 * @throws {IdpError} METADATA_INVALID for its key, BAD_REQUEST for a name that is odd or taken
 */
export async function addFederation(added: NewFederation, now: Date): Promise<void> {
  const { name, ...rest } = added
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name)) {
    throw new IdpError(
      'BAD_REQUEST',
      `"${name.slice(0, 80)}" is no name for a federation: letters, digits, ".", "_" and "-", at most 64`,
    )
  }
  readPinnedKeys(added.keysPem)
  try {
    await federations().insertOne({
      _id: name,
      ...rest,
      addedAt: now,
      generations: [],
      failures: 0,
      nextRefreshAt: now,
    })
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    throw new IdpError('BAD_REQUEST', `there is a federation "${name}" already; remove it first`)
  }
  await announce()
}

/** In the order in which they are asked for an entity. */
export function listFederations(): Promise<FederationRecord[]> {
  return federations().find().sort({ addedAt: 1, _id: 1 }).toArray()
}

/** @throws {IdpError} FEDERATION_UNKNOWN */
export async function findFederation(name: string): Promise<FederationRecord> {
  const record = await federations().findOne({ _id: name })
  if (record) return record
  throw new IdpError('FEDERATION_UNKNOWN', `there is no federation "${name}"`, { status: 404 })
}

/**
 * Forgets a federation and its entities: nobody signs in to them from then on.
 *
 * @throws {IdpError} FEDERATION_UNKNOWN
 */
export async function removeFederation(name: string): Promise<void> {
  const { generations } = await findFederation(name)
  // First what lets it be used; the record last, which says what is left to remove.
  await federations().updateOne({ _id: name }, { $unset: { current: '', lease: '' } })
  await announce()
  for (const generation of generations) await removeGeneration(generation)
  await federations().deleteOne({ _id: name })
  await announce()
  // After the announcement: a worker that still knew the federation could have asked again.
  await mdqAnswers().deleteMany({ federation: name })
}

async function announce(): Promise<void> {
  clearServiceCache()
  await bumpVersion('federation')
}
