import { isDeepStrictEqual } from 'node:util'
import { IdpError } from '../errors.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { bumpVersion } from '../store/versions.ts'
import { checkCasMetadata } from './cas-service.ts'
import { checkClientMetadata } from './client-metadata.ts'
import { sealClientSecret } from './client-secrets.ts'
import type {
  CasService,
  RegisteredService,
  RelyingParty,
  ServiceOverrides,
  ServiceProvider,
} from './service.ts'
import { recordId, type ServiceRecord } from './service-model.ts'
import { parseServiceProviderMetadata } from './service-provider-metadata.ts'
import { clearServiceCache, serviceRecords, toService } from './service-store.ts'

export interface RegistrationOptions {
  /** Who vouches for it: see ServiceProvider.origin. */
  readonly origin: string
  /** false leaves a new service pending, and a known one as it is. */
  readonly approve: boolean
  readonly now?: Date
  /** Whether an origin that registered it before no longer vouches for it, so that this one may. */
  readonly supersedes?: (origin: string) => boolean
  /** What an administrator decides with the approval; other fields of their word stay. */
  readonly overrides?: ServiceOverrides
}

export type Protocol = ServiceRecord['protocol']

/** What the store must be told beside who and when. */
type Registered = Pick<ServiceRecord, 'protocol' | 'serviceId' | 'metadata'> &
  Partial<Pick<ServiceRecord, 'sealedClientSecret' | 'validUntil'>>

/**
 * Registers a service provider, or takes newer metadata of one that the same origin registered.
 * What admins decided (approval, overrides) stays. Doing it again changes nothing.
 *
 * @throws {IdpError} METADATA_INVALID; also when another origin has registered the entityID
 */
export async function registerServiceProvider(
  xml: string,
  options: RegistrationOptions,
): Promise<ServiceProvider> {
  const now = options.now ?? new Date()
  const sp = parseServiceProviderMetadata(xml, options.origin, now)
  const { entityId: serviceId, validUntil } = sp
  const record = await save(
    { protocol: 'saml', serviceId, metadata: xml, validUntil },
    options,
    now,
  )
  return { ...sp, state: record.state, overrides: record.overrides }
}

/**
 * Registers an OpenID Connect client (RFC 7591 metadata), or takes newer metadata of one.
 *
 * @returns the client with its secret, be it given or made here
 * @throws {IdpError} METADATA_INVALID; also when another origin has registered the client_id
 */
export async function registerRelyingParty(
  metadata: unknown,
  options: RegistrationOptions,
): Promise<RelyingParty> {
  const now = options.now ?? new Date()
  const { client_secret: secret, ...registered } = checkClientMetadata(metadata).metadata
  const serviceId = registered.client_id
  const record = await save(
    {
      protocol: 'oidc',
      serviceId,
      metadata: JSON.stringify(registered),
      ...(typeof secret === 'string' && {
        sealedClientSecret: sealClientSecret(serviceId, secret),
      }),
    },
    options,
    now,
  )
  return toService(record) as RelyingParty
}

/**
 * Registers a CAS service (checkCasMetadata), or takes newer texts of one.
 *
 * @throws {IdpError} METADATA_INVALID; also when another origin has registered the pattern
 */
export async function registerCasService(
  given: unknown,
  options: RegistrationOptions,
): Promise<CasService> {
  const { metadata } = checkCasMetadata(given)
  const record = await save(
    { protocol: 'cas', serviceId: metadata.cas_service, metadata: JSON.stringify(metadata) },
    options,
    options.now ?? new Date(),
  )
  return toService(record) as CasService
}

/** @throws {IdpError} NOT_FOUND */
export async function approveService(
  id: string,
  protocol?: Protocol,
  now: Date = new Date(),
): Promise<void> {
  const { _id } = await findRecord(id, protocol)
  await serviceRecords().updateOne({ _id }, { $set: { state: 'approved', approvedAt: now } })
  await announceChange()
}

/**
 * Forgets the service with all that admins decided on it. People's identifiers there are computed,
 * so they come back the same if it does.
 *
 * @throws {IdpError} NOT_FOUND
 */
export async function removeService(id: string, protocol?: Protocol): Promise<void> {
  const { _id } = await findRecord(id, protocol)
  await serviceRecords().deleteOne({ _id })
  await announceChange()
}

/**
 * Replaces an admin's word on the service, whole.
 *
 * @throws {IdpError} NOT_FOUND
 */
export async function setServiceOverrides(
  id: string,
  overrides: ServiceOverrides,
  protocol?: Protocol,
): Promise<void> {
  const { _id } = await findRecord(id, protocol)
  await serviceRecords().updateOne({ _id }, { $set: { overrides } })
  await announceChange()
}

/** @throws {IdpError} NOT_FOUND */
export async function findRecord(id: string, protocol?: Protocol): Promise<ServiceRecord> {
  const keys = (protocol ? [protocol] : (['saml', 'oidc', 'cas'] as const)).map((one) =>
    recordId(one, id),
  )
  const record = await serviceRecords().findOne({ _id: { $in: keys } })
  if (!record) {
    throw new IdpError('NOT_FOUND', `no service "${id}" is registered`, { status: 404 })
  }
  return record
}

/** Takes services out of use without forgetting what admins decided on them. */
export async function withdrawServices(records: readonly ServiceRecord[]): Promise<void> {
  if (records.length === 0) return
  await serviceRecords().updateMany(
    { _id: { $in: records.map(({ _id }) => _id) } },
    { $set: { state: 'pending' } },
  )
  await announceChange()
}

async function save(
  registered: Registered,
  options: RegistrationOptions,
  now: Date,
): Promise<ServiceRecord> {
  const { origin, approve } = options
  const _id = recordId(registered.protocol, registered.serviceId)
  const existing = await serviceRecords().findOne({ _id })
  if (existing && !mayReplace(existing.origin, options)) {
    throw new IdpError(
      'METADATA_INVALID',
      `"${registered.serviceId}" is already registered from ${existing.origin}; remove it there, or change it there.`,
    )
  }
  const overrides = { ...existing?.overrides, ...options.overrides }
  const isDecided = isDeepStrictEqual(existing?.overrides, overrides)
  if (existing && isDecided && isSame(existing, registered, origin, approve)) return existing
  const isApproved = approve || existing?.state === 'approved'
  const record: ServiceRecord = {
    _id,
    ...withoutUndefined(registered),
    origin,
    state: isApproved ? 'approved' : 'pending',
    overrides,
    registeredAt: existing?.registeredAt ?? now,
    updatedAt: now,
    ...(isApproved && { approvedAt: existing?.approvedAt ?? now }),
  }
  if (existing) {
    // Only as it was looked at: an admin's decision in between is not written over.
    const { state, updatedAt } = existing
    await serviceRecords().replaceOne({ _id, state, updatedAt }, record)
  } else {
    await insertUnlessThere(record)
  }
  await announceChange()
  return findRecord(registered.serviceId, registered.protocol)
}

/** Machines that start together register the same file: the first one did it for all. */
async function insertUnlessThere(record: ServiceRecord): Promise<void> {
  try {
    await serviceRecords().insertOne(record)
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
}

/** The driver would store undefined as null. */
function withoutUndefined(registered: Registered): Registered {
  return Object.fromEntries(
    Object.entries(registered).filter(([, value]) => value !== undefined),
  ) as Registered
}

function mayReplace(existing: string, { origin, supersedes }: RegistrationOptions): boolean {
  return ownerOf(existing) === ownerOf(origin) || supersedes?.(existing) === true
}

/** By hand means by an administrator at the command line, from a file or an address. */
function ownerOf(origin: string): string {
  return origin === 'cli' || origin.startsWith('url:') ? 'cli' : origin
}

/** Sealed texts differ each time, so what they hold is compared. */
function isSame(
  existing: ServiceRecord,
  registered: Registered,
  origin: string,
  approve: boolean,
): boolean {
  if (existing.origin !== origin || existing.metadata !== registered.metadata) return false
  if (approve && existing.state !== 'approved') return false
  return isDeepStrictEqual(secretOf(existing), secretOf({ ...existing, ...registered }))
}

function secretOf(record: ServiceRecord): unknown {
  const service: RegisteredService = toService(record)
  return service.protocol === 'oidc' ? service.metadata.client_secret : undefined
}

async function announceChange(): Promise<void> {
  clearServiceCache()
  await bumpVersion('federation')
}
