import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { findFederationEntity } from '../federation/aggregates/federated-services.ts'
import {
  type RegisteredService,
  type RelyingParty,
  type ServiceProvider,
  serviceId,
  serviceName,
} from '../federation/service.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { findKey, type KeyRecord } from '../keys/key-records.ts'
import type { KeyRing } from '../keys/signing-key.ts'
import { type FederationEvidence, observeFederations } from './federation-evidence.ts'
import {
  checkClientLive,
  checkLive,
  type LiveAnswer,
  type LiveKeys,
  strangerKey,
} from './live-check.ts'
import { readLiveChecks, saveLiveCheck } from './live-check-model.ts'
import { type MetadataFetch, metadataFetches } from './metadata-fetch-model.ts'
import { readMetadataPromises } from './metadata-promises.ts'
import { type PromotionDate, promotionDate } from './promotion-date.ts'
import { addressesOf, type ResolveHost } from './service-addresses.ts'
import { type ServiceContact, serviceContacts } from './service-contacts.ts'
import { oidcVerdict, samlVerdict, type Verdict } from './verdict.ts'

export type RehearsalContext = Pick<AppContext, 'config' | 'now' | 'keys'>

/** One service in a rehearsal, or all that a federation vouches for. */
export interface RehearsedService extends Verdict {
  readonly kind: 'saml' | 'oidc' | 'federation'
  readonly id: string
  readonly name: { readonly el: string; readonly en: string }
  /** Of a federation: how many services it vouches for. */
  readonly services?: number
  readonly contacts: readonly ServiceContact[]
}

/** What would happen if a key were promoted now. */
export interface Rehearsal {
  readonly key: KeyRecord
  readonly promotion: PromotionDate
  readonly at: Date
  /** Those that would break first. */
  readonly services: readonly RehearsedService[]
}

const order: Readonly<Record<Verdict['state'], number>> = {
  breaks: 0,
  waits: 1,
  unknown: 2,
  ready: 3,
}
/** Services that are asked at the same time. */
const lanes = 5

/**
 * Plays the promotion of a staged key: for every approved service whether it would still accept us.
 *
 * @param options.live asks the services themselves as well, see checkLive(); takes a while
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG
 */
export async function rehearse(
  context: RehearsalContext,
  kid: string,
  options: {
    live?: boolean
    resolve?: ResolveHost
    onProgress?: (done: number, of: number) => void
  } = {},
): Promise<Rehearsal> {
  const key = await findStagedKey(kid)
  const at = context.now()
  const promotion = await datePromotion(context, key)
  const approved = await listApprovedServices(at)
  const rehearsed =
    key.use === 'saml'
      ? await rehearseSaml(context, key, promotion, approved, options)
      : await rehearseOidc(context, key, promotion, approved, options)
  const services = rehearsed.sort(
    (one, other) =>
      order[one.state] - order[other.state] || one.name.en.localeCompare(other.name.en),
  )
  return { key, promotion, at, services }
}

/** @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG */
export async function findStagedKey(kid: string): Promise<KeyRecord> {
  const key = await findKey(kid)
  if (key.state === 'staged' && key.use !== 'saml-encryption') return key
  throw new IdpError(
    'KEY_STATE_WRONG',
    key.use === 'saml-encryption'
      ? `${kid} is for what services encrypt for us: no service has to know it before it is used`
      : `${kid} is ${key.state}; only a staged key can be promoted`,
    { status: 409 },
  )
}

/** From when on the staged key may sign. */
export async function datePromotion(
  { config }: Pick<RehearsalContext, 'config'>,
  key: Pick<KeyRecord, 'use' | 'stagedAt' | 'createdAt'>,
): Promise<PromotionDate> {
  const { use, stagedAt = key.createdAt } = key
  return promotionDate({ use, stagedAt }, config, await readMetadataPromises())
}

async function rehearseSaml(
  context: RehearsalContext,
  key: KeyRecord,
  promotion: PromotionDate,
  approved: readonly RegisteredService[],
  options: Parameters<typeof rehearse>[2] & object,
): Promise<RehearsedService[]> {
  const providers = approved.filter((service) => service.protocol === 'saml')
  if (options.live) {
    const ask = (service: ServiceProvider, keys: LiveKeys) => checkLive(context, service, keys)
    await checkAllLive(context, key, providers, ask, options.onProgress)
  }
  const now = context.now()
  const { federationRefreshHours } = context.config
  const checks = await readLiveChecks(key.kid)
  const federations = await observeFederations(context)
  const fetches = await readFetches(['metadata', 'mdq'])
  const places = await Promise.all(
    providers.map(async (service) => ({
      service,
      at: await addressesOf(service, options.resolve),
    })),
  )
  const common = {
    kid: key.kid,
    stagedAt: promotion.stagedAt,
    safeAt: promotion.safeAt,
    now,
    federationRefreshHours,
  }
  const own = await Promise.all(
    places.map(async ({ service, at }) => {
      const seen = fetches.filter(({ address }) => at.has(address))
      const used = new Set(seen.map(({ address }) => address))
      const sharedWith = places
        .filter((other) => other.service !== service && [...used].some((one) => other.at.has(one)))
        .map((other) => serviceName(other.service, 'en'))
      const verdict = samlVerdict({
        ...common,
        fetches: seen,
        sharedWith,
        federation: await federationOf(service, federations, now),
        live: checks.get(service.entityId),
      })
      return { ...describe(service), ...verdict }
    }),
  )
  const through = federations
    .filter(({ services }) => services === undefined || services > 0)
    .map((federation): RehearsedService => {
      const verdict = samlVerdict({ ...common, fetches: [], sharedWith: [], federation })
      const { federation: id, services } = federation
      return {
        kind: 'federation',
        id,
        name: { el: id, en: id },
        services,
        contacts: [],
        ...verdict,
      }
    })
  return [...through, ...own]
}

/** The first federation that has the service too: there it reads us, unless it reads us directly. */
async function federationOf(
  service: ServiceProvider,
  federations: readonly FederationEvidence[],
  now: Date,
): Promise<FederationEvidence | undefined> {
  if (federations.length === 0) return undefined
  const entity = await findFederationEntity(service.entityId, now)
  return entity && federations.find(({ federation }) => federation === entity.federation)
}

async function checkAllLive<T extends ServiceProvider | RelyingParty>(
  context: RehearsalContext,
  { kid, use, algorithm }: KeyRecord,
  services: readonly T[],
  ask: (service: T, keys: LiveKeys) => Promise<LiveAnswer>,
  onProgress?: (done: number, of: number) => void,
): Promise<void> {
  const signing = use === 'oidc' ? 'oidc' : 'saml'
  const fresh = publishedKey(context.keys, signing, kid)
  const keys = {
    present: context.keys.active(signing, algorithm === 'ES256' ? 'ES256' : 'RS256'),
    fresh,
    stranger: await strangerKey(fresh),
  }
  const waiting = [...services]
  let done = 0
  const work = async () => {
    for (let service = waiting.shift(); service; service = waiting.shift()) {
      const answer = await ask(service, keys)
      await saveLiveCheck(kid, serviceId(service), answer, context.now())
      done += 1
      onProgress?.(done, services.length)
    }
  }
  await Promise.all(Array.from({ length: lanes }, work))
}

function publishedKey(keys: KeyRing, use: 'saml' | 'oidc', kid: string) {
  const key = keys.published(use).find((candidate) => candidate.kid === kid)
  if (key) return key
  throw new IdpError('KEY_CHANGED_MEANWHILE', `${kid} is no longer published`, { status: 409 })
}

async function rehearseOidc(
  context: RehearsalContext,
  key: KeyRecord,
  promotion: PromotionDate,
  approved: readonly RegisteredService[],
  options: Parameters<typeof rehearse>[2] & object,
): Promise<RehearsedService[]> {
  const clients = approved
    .filter((service) => service.protocol === 'oidc')
    .filter((client) => isSignedBy(client, key))
  if (options.live) {
    const ask = (client: RelyingParty, keys: LiveKeys) => checkClientLive(context, client, keys)
    await checkAllLive(context, key, clients, ask, options.onProgress)
  }
  const checks = await readLiveChecks(key.kid)
  const fetches = await readFetches(['jwks'])
  const signIns = await readFetches(['token'])
  return Promise.all(
    clients.map(async (client) => {
      const own = signIns.filter(({ clientId }) => clientId === client.clientId)
      const hosts = own.length > 0 ? new Set<string>() : await addressesOf(client, options.resolve)
      const seen = fetches.filter(
        ({ address, program }) =>
          hosts.has(address) ||
          own.some((call) => call.address === address && call.program === program),
      )
      const verdict = oidcVerdict({
        kid: key.kid,
        now: context.now(),
        safeAt: promotion.safeAt,
        isSymmetric: algorithmOf(client).startsWith('HS'),
        signIns: own,
        fetches: seen,
        live: checks.get(client.clientId),
      })
      return { ...describe(client), ...verdict }
    }),
  )
}

/** Whether tokens of this algorithm are signed by the key: an RSA key does PS256 as well. */
export function signsFor(key: Pick<KeyRecord, 'algorithm'>, algorithm: string): boolean {
  return (algorithm === 'PS256' ? 'RS256' : algorithm) === key.algorithm
}

/** A key of one algorithm does not matter to clients of another. */
function isSignedBy(client: RelyingParty, key: KeyRecord): boolean {
  const algorithm = algorithmOf(client)
  return signsFor(key, algorithm) || algorithm.startsWith('HS')
}

function algorithmOf({ metadata }: RelyingParty): string {
  return String(metadata.id_token_signed_response_alg ?? 'RS256')
}

function readFetches(ways: readonly MetadataFetch['way'][]): Promise<MetadataFetch[]> {
  return metadataFetches()
    .find({ way: { $in: [...ways] } })
    .toArray()
}

function describe(service: ServiceProvider | RelyingParty) {
  return {
    kind: service.protocol,
    id: serviceId(service),
    name: { el: serviceName(service, 'el'), en: serviceName(service, 'en') },
    contacts: serviceContacts(service),
  }
}
