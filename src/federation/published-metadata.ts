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

/** The approved SAML services of this installation, as long as their own metadata is valid. */
export const registeredServices: PublishedMetadataSource = {
  async byEntityId(entityId, now) {
    // No service has a longer one: what strangers send is not looked for.
    if (entityId.length > 1024) return undefined
    const _id = recordId('saml', entityId)
    const record = await serviceRecords().findOne({ _id, state: 'approved' })
    if (!record || (record.validUntil && record.validUntil <= now)) return undefined
    return { entityId, xml: record.metadata, version: record.updatedAt.toISOString() }
  },
  async bySha1(digest, now) {
    const found = (await listApprovedServices(now)).find((service) => {
      if (service.protocol !== 'saml') return false
      const known = digests.get(service) ?? sha1Of(service.entityId)
      digests.set(service, known)
      return known === digest
    })
    return found?.protocol === 'saml' ? this.byEntityId(found.entityId, now) : undefined
  },
}

/**
 * The services that federations' aggregates vouch for, as people sign in to them here: after the
 * federation's filters, of metadata that we can use, not blocked by an administrator, and of none
 * that is registered here itself. Their own validUntil stands in the XML.
 */
const federatedServices: PublishedMetadataSource = {
  async byEntityId(entityId, now) {
    if (entityId.length > 1024) return undefined
    const registered = await serviceRecords().findOne(
      { _id: recordId('saml', entityId), state: 'approved' },
      { projection: { _id: 1 } },
    )
    if (registered) return undefined
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
  },
  async bySha1(digest, now) {
    const entityId = await findFederationEntityBySha1(digest, now)
    return entityId === undefined ? undefined : this.byEntityId(entityId, now)
  },
}

/** All SAML services that people can sign in to, those that are asked for by MDQ elsewhere left out. */
export const heldServices: PublishedMetadataSource = {
  async byEntityId(entityId, now) {
    return (
      (await registeredServices.byEntityId(entityId, now)) ??
      (await federatedServices.byEntityId(entityId, now))
    )
  },
  async bySha1(digest, now) {
    return (
      (await registeredServices.bySha1(digest, now)) ??
      (await federatedServices.bySha1(digest, now))
    )
  },
}
