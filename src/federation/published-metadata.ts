import { createHash } from 'node:crypto'
import { IdpError } from '../errors.ts'
import { findDecision } from './aggregates/decision-model.ts'
import {
  findFederationEntity,
  findFederationEntityBySha1,
  isPublishedFederation,
  parseFederationEntity,
} from './aggregates/federated-services.ts'
import { recordId } from './service-model.ts'
import { listApprovedServices, serviceRecords } from './service-store.ts'

/** The metadata of one entity as it was registered, for whoever asks by MDQ. */
export interface PublishedMetadata {
  readonly entityId: string
  /** One EntityDescriptor, or a group with that one service provider in it. */
  readonly xml: string
  /** Other than before whenever `xml` is. */
  readonly version: string
}

/** Where an MDQ responder looks entities up. */
export interface PublishedMetadataSource {
  byEntityId(entityId: string, now: Date): Promise<PublishedMetadata | undefined>
  /** @param digest SHA-1 of the entityID, 40 lower-case hexadecimal digits */
  bySha1(digest: string, now: Date): Promise<PublishedMetadata | undefined>
}

/** SHA-1 names entities here (MDQ SAML profile 2.2.2); nothing hangs on its strength. */
export function sha1Of(entityId: string): string {
  return createHash('sha1').update(entityId).digest('hex')
}

/** By service object, which lives as long as its cache entry. */
const digests = new WeakMap<object, string>()

/**
 * All SAML services that people can sign in to: those registered here, as long as their own metadata
 * is valid, and those that federations' aggregates vouch for. Services that are asked for by MDQ
 * elsewhere are left out.
 */
export const heldServices: PublishedMetadataSource = {
  async byEntityId(entityId, now) {
    // No service has a longer one: what strangers send is not looked for.
    if (entityId.length > 1024) return undefined
    const _id = recordId('saml', entityId)
    const record = await serviceRecords().findOne({ _id, state: 'approved' })
    if (!record) return findFederatedMetadata(entityId, now)
    if (record.validUntil && record.validUntil <= now) return undefined
    return { entityId, xml: record.metadata, version: record.updatedAt.toISOString() }
  },
  async bySha1(digest, now) {
    const entityId =
      (await findRegisteredBySha1(digest, now)) ?? (await findFederationEntityBySha1(digest, now))
    return entityId === undefined ? undefined : this.byEntityId(entityId, now)
  },
}

async function findRegisteredBySha1(digest: string, now: Date): Promise<string | undefined> {
  const found = (await listApprovedServices(now)).find((service) => {
    if (service.protocol !== 'saml') return false
    const known = digests.get(service) ?? sha1Of(service.entityId)
    digests.set(service, known)
    return known === digest
  })
  return found?.protocol === 'saml' ? found.entityId : undefined
}

/**
 * A federation's service as people sign in to it here: after the federation's filters, of metadata
 * that we can use, not blocked by an administrator. Its own validUntil stands in the XML.
 */
async function findFederatedMetadata(
  entityId: string,
  now: Date,
): Promise<PublishedMetadata | undefined> {
  const entity = await findFederationEntity(entityId, now)
  if (!entity?.roles.includes('sp') || !(await isPublishedFederation(entity.federation))) {
    return undefined
  }
  if ((await findDecision(entityId))?.isBlocked) return undefined
  try {
    parseFederationEntity(entity, now)
  } catch (error) {
    if (error instanceof IdpError) return undefined
    throw error
  }
  const xml = Buffer.from(entity.xml.buffer).toString('utf8')
  return { entityId, xml, version: entity.generation }
}
