import { IdpError } from '../../errors.ts'
import type { ServiceProvider } from '../service.ts'
import { parseServiceProviderMetadata } from '../service-provider-metadata.ts'
import { entityKey } from './entity-key.ts'
import {
  type FederationEntity,
  type FederationRecord,
  federationEntities,
  federations,
} from './federation-model.ts'
import { findMdqService, type MdqFederation } from './mdq-client.ts'

type KnownFederation = MdqFederation & Pick<FederationRecord, 'current' | 'isUnpublished'>

let known: Promise<readonly KnownFederation[]> | undefined

/** Called when any worker or command changed a federation. */
export function clearFederationCache(): void {
  known = undefined
}

/** The federations in use, in the order in which they were added. */
export function knownFederations(): Promise<readonly KnownFederation[]> {
  if (known) return known
  const asked = federations()
    .find({}, { projection: { generations: 0, lastAttempt: 0 } })
    .sort({ addedAt: 1, _id: 1 })
    .toArray()
  known = asked
  asked.catch(() => {
    if (known === asked) known = undefined
  })
  return asked
}

/** The entity's record in the first federation that has it and is still valid. */
export async function findFederationEntity(
  entityId: string,
  now: Date,
): Promise<FederationEntity | undefined> {
  const generations = (await knownFederations()).flatMap(({ current }) =>
    current && current.validUntil > now ? [current.generation] : [],
  )
  if (generations.length === 0) return undefined
  const keys = generations.map((generation) => entityKey(generation, entityId))
  const found = await federationEntities()
    .find({ _id: { $in: keys } })
    .toArray()
  return keys
    .map((key) => found.find(({ _id }) => _id === key))
    .find((one) => one?.entityId === entityId && one.validUntil > now)
}

/**
 * By the SHA-1 of its entityID, as MDQ asks: the first federation's that has one. Two entityIDs can
 * be made to share it; then neither is meant.
 *
 * @param digest 40 lower-case hexadecimal digits
 */
export async function findFederationEntityBySha1(
  digest: string,
  now: Date,
): Promise<string | undefined> {
  for (const { current } of await knownFederations()) {
    if (!current || current.validUntil <= now) continue
    const from = `${current.generation}:${digest}:`
    const found = await federationEntities()
      .find({ _id: { $gte: from, $lt: `${from.slice(0, -1)};` } }, { projection: { entityId: 1 } })
      .limit(2)
      .toArray()
    if (found.length > 1) return undefined
    if (found[0]) return found[0].entityId
  }
  return undefined
}

/** Whether the MDQ server may give what this federation vouches for. */
export async function isPublishedFederation(name: string): Promise<boolean> {
  const known = (await knownFederations()).find(({ _id }) => _id === name)
  return known !== undefined && known.isUnpublished !== true
}

/**
 * A service provider that a federation vouches for: approved by that. One whose metadata we cannot
 * use is not there; `federation show NAME --entity ID` says what is wrong with it.
 */
export function federatedService(entity: FederationEntity, now: Date): ServiceProvider | undefined {
  if (!entity.roles.includes('sp')) return undefined
  try {
    return { ...parseFederationEntity(entity, now), state: 'approved' }
  } catch (error) {
    if (error instanceof IdpError) return undefined
    throw error
  }
}

/** From federations that are asked entity by entity. Not for caching: the answer knows how long it is fresh. */
export async function askFederations(
  entityId: string,
  now: Date,
): Promise<ServiceProvider | undefined> {
  for (const federation of await knownFederations()) {
    if (federation.source.kind !== 'mdq') continue
    const service = await findMdqService(federation, entityId, now)
    if (service) return service
  }
  return undefined
}

/** @throws {IdpError} METADATA_INVALID */
export function parseFederationEntity(entity: FederationEntity, now: Date): ServiceProvider {
  const xml = Buffer.from(entity.xml.buffer).toString('utf8')
  return parseServiceProviderMetadata(xml, `federation:${entity.federation}`, now)
}
