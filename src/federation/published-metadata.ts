import { createHash } from 'node:crypto'
import { recordId } from './service-model.ts'
import { listApprovedServices, serviceRecords } from './service-store.ts'

/** The metadata of one entity as it was registered, for whoever asks by MDQ. */
export interface PublishedMetadata {
  readonly entityId: string
  /** One EntityDescriptor, or a group with that one service provider in it. */
  readonly xml: string
  /** Other than before whenever `xml` is. */
  readonly updatedAt: Date
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
    return { entityId, xml: record.metadata, updatedAt: record.updatedAt }
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
