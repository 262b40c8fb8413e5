import type { Collection } from 'mongodb'
import { IdpError } from '../errors.ts'
import { findDecision, withDecision } from './aggregates/decision-model.ts'
import {
  askFederations,
  clearFederationCache,
  federatedService,
  findFederationEntity,
} from './aggregates/federated-services.ts'
import {
  bySpecificity,
  CasPatternError,
  cleanUrl,
  matchesCasPattern,
  pathAsWritten,
  pathAtItsLoosest,
} from './cas-pattern.ts'
import { casServiceOf } from './cas-service.ts'
import { clientDisplay } from './client-metadata.ts'
import { openClientSecret } from './client-secrets.ts'
import type { CasService, RegisteredService, RelyingParty, ServiceProvider } from './service.ts'
import { recordId, ServiceModel, type ServiceRecord } from './service-model.ts'
import { parseServiceProviderMetadata } from './service-provider-metadata.ts'

/** Parsed metadata of that many services is kept by each worker, least recently used out first. */
const cacheSize = 1000

/** Least recently used first: a Map keeps the order of insertion. Unknown ids are not kept, or strangers could empty it. */
const cache = new Map<string, RegisteredService>()
let approved: Promise<readonly RegisteredService[]> | undefined
/** Rises with every clearing: a read that began before must not put back what it found. */
let generation = 0

export const serviceRecords = () => ServiceModel.collection as unknown as Collection<ServiceRecord>

/** Called when any worker or command changed a service. */
export function clearServiceCache(): void {
  generation += 1
  cache.clear()
  approved = undefined
  clearFederationCache()
}

/**
 * The service provider, approved or pending: the caller checks `state`. One whose metadata is past
 * its validUntil is not there any more (SAML Metadata 2.3.1). What was registered here outranks what
 * a federation says, once it is approved: a registration that waits must not shut a service out.
 */
export async function findServiceProvider(
  entityId: string,
  now: Date = new Date(),
): Promise<ServiceProvider | undefined> {
  const service = await find('saml', entityId, now)
  if (service?.protocol !== 'saml') return undefined
  return service.validUntil && service.validUntil <= now ? undefined : service
}

/** The relying party, approved or pending, its secret included. */
export async function findRelyingParty(clientId: string): Promise<RelyingParty | undefined> {
  const service = await find('oidc', clientId, new Date())
  return service?.protocol === 'oidc' ? service : undefined
}

/** The CAS service of this pattern, approved or pending. */
export async function findCasService(pattern: string): Promise<CasService | undefined> {
  const service = await find('cas', pattern, new Date())
  return service?.protocol === 'cas' ? service : undefined
}

/**
 * The approved CAS service that this address belongs to; of several that of the closest pattern, so
 * that one directory of a host can be a service of its own.
 *
 * @param address as it came: what is not read in one way by everybody belongs to no service
 */
export async function findCasServiceFor(address: string): Promise<CasService | undefined> {
  const url = cleanUrl(address)
  if (!url) return undefined
  const services = (await listApprovedServices()).filter(({ protocol }) => protocol === 'cas')
  const [written, loosest] = [pathAsWritten, pathAtItsLoosest].map(
    (read) =>
      (services as readonly CasService[])
        .filter(({ pattern }) => matchesCasPattern(pattern, url, read))
        .sort((a, b) => bySpecificity(a.pattern, b.pattern))[0],
  )
  // `/%61pp` of a service of the whole host may be answered by another's `/app`.
  return written === loosest ? written : undefined
}

/** A service known by protocol and id, approved or pending. */
export async function findService(
  protocol: RegisteredService['protocol'],
  id: string,
  now: Date = new Date(),
): Promise<RegisteredService | undefined> {
  switch (protocol) {
    case 'saml':
      return findServiceProvider(id, now)
    case 'oidc':
      return findRelyingParty(id)
    case 'cas':
      return findCasService(id)
  }
}

/** Where only the id is known: an entityID, else a client_id, else an address pattern. */
export async function findServiceById(
  id: string,
  now: Date = new Date(),
): Promise<RegisteredService | undefined> {
  return (
    (await findServiceProvider(id, now)) ??
    (await findRelyingParty(id)) ??
    (await findCasService(id))
  )
}

/** What people can be sent to, for the home page. */
export async function listApprovedServices(
  now: Date = new Date(),
): Promise<readonly RegisteredService[]> {
  approved ??= serviceRecords()
    .find({ state: 'approved' })
    .sort({ _id: 1 })
    .toArray()
    .then((records) => records.flatMap(toReadableService))
    .catch((error) => {
      approved = undefined
      throw error
    })
  return (await approved).filter(
    (service) => service.protocol !== 'saml' || !service.validUntil || service.validUntil > now,
  )
}

/** Metadata that an older version took and this one refuses must not hide all other services. */
function toReadableService(record: ServiceRecord): RegisteredService[] {
  try {
    return [toService(record)]
  } catch (error) {
    if (error instanceof IdpError || error instanceof CasPatternError) return []
    throw error
  }
}

/** Every registration, for admins. */
export function listServiceRecords(protocol: ServiceRecord['protocol']): Promise<ServiceRecord[]> {
  return serviceRecords().find({ protocol }).sort({ _id: 1 }).toArray()
}

async function find(
  protocol: ServiceRecord['protocol'],
  id: string,
  now: Date,
): Promise<RegisteredService | undefined> {
  // No service has a longer id: what strangers send is not looked for.
  if (id.length > 1024) return undefined
  const key = recordId(protocol, id)
  const cached = cache.get(key)
  if (cached && !isPastInFederation(cached, now)) {
    cache.delete(key)
    cache.set(key, cached)
    return cached
  }
  const startedIn = generation
  const mayBeFederated = protocol === 'saml'
  // At once: somebody waits for the answer, and most services that are not cached are a federation's.
  const [record, entity, decision] = await Promise.all([
    serviceRecords().findOne({ _id: key }),
    mayBeFederated ? findFederationEntity(id, now) : undefined,
    mayBeFederated ? findDecision(id) : undefined,
  ])
  const isDecided = record?.state === 'approved' || !mayBeFederated
  const federated = isDecided || !entity ? undefined : federatedService(entity, now)
  const asked = isDecided || federated ? undefined : await askFederations(id, now)
  if (asked) return withDecision(asked, decision)
  const service = federated
    ? withDecision(federated, decision)
    : record
      ? toService(record)
      : undefined
  if (!service) return undefined
  if (startedIn === generation) {
    cache.set(key, service)
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value!)
  }
  return service
}

/** Another federation may have it still. */
function isPastInFederation(service: RegisteredService, now: Date): boolean {
  return (
    service.protocol === 'saml' &&
    service.origin.startsWith('federation:') &&
    service.validUntil !== undefined &&
    service.validUntil <= now
  )
}

/** Whether this origin (see ServiceProvider.origin) has registered anything. */
export async function holdsServicesFrom(origin: string): Promise<boolean> {
  return (await serviceRecords().findOne({ origin }, { projection: { _id: 1 } })) !== null
}

export function toService(record: ServiceRecord): RegisteredService {
  const { state, origin, overrides } = record
  const ours = { state, overrides, ...(overrides.startUrl && { startUrl: overrides.startUrl }) }
  if (record.protocol === 'saml') {
    // Read as of the day it was accepted: validUntil may have passed since and is checked at use.
    return { ...parseServiceProviderMetadata(record.metadata, origin, record.updatedAt), ...ours }
  }
  const registered = JSON.parse(record.metadata) as Record<string, unknown>
  if (record.protocol === 'cas')
    return { ...casServiceOf(registered, { origin, ...ours }), ...ours }
  const { serviceId: clientId, sealedClientSecret } = record
  return {
    protocol: 'oidc',
    clientId,
    origin,
    metadata: sealedClientSecret
      ? { ...registered, client_secret: openClientSecret(clientId, sealedClientSecret) }
      : registered,
    ...clientDisplay(registered),
    ...ours,
  }
}
