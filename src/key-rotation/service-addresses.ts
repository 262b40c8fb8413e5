import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { RegisteredService } from '../federation/service.ts'

/** All addresses of a host name. */
export type ResolveHost = (host: string) => Promise<readonly string[]>

/** For one name, and how long an answer is used again. Milliseconds. */
const timeoutMs = 3000
const freshMs = 10 * 60_000
const maxKept = 5000
/** Hosts of one service that are looked up. */
const maxHosts = 10

const known = new Map<string, { at: number; addresses: Promise<readonly string[]> }>()

/** The system's resolver, with a time limit and a short memory; a name that is not known has none. */
export const resolveHost: ResolveHost = (host) => {
  const before = known.get(host)
  if (before && Date.now() - before.at < freshMs) return before.addresses
  if (known.size >= maxKept) known.clear()
  const late = new Promise<readonly string[]>((resolve) => {
    setTimeout(resolve, timeoutMs, []).unref()
  })
  const asked = lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  )
  const addresses = Promise.race([asked, late])
  known.set(host, { at: Date.now(), addresses })
  return addresses
}

/** Host names that the service's own registration has: where people and messages are sent. */
export function hostsOf(service: RegisteredService): string[] {
  const urls = addressesIn(service)
  const hosts = urls.flatMap((url) => (URL.canParse(url) ? [new URL(url)] : []))
  const names = hosts
    .filter(({ protocol }) => protocol === 'https:' || protocol === 'http:')
    .map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''))
  return [...new Set(names)].slice(0, maxHosts)
}

/** The addresses of those hosts, as far as they are known now. */
export async function addressesOf(
  service: RegisteredService,
  resolve: ResolveHost = resolveHost,
): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    hostsOf(service).map((host) => (isIP(host) ? [host] : resolve(host))),
  )
  return new Set(found.flat().flatMap(withMapped))
}

/** A socket that takes both families sees IPv4 addresses mapped. */
function withMapped(address: string): string[] {
  return isIP(address) === 4 ? [address, `::ffff:${address}`] : [address]
}

function addressesIn(service: RegisteredService): string[] {
  if (service.protocol === 'saml') {
    const { assertionConsumerServices, singleLogoutServices } = service
    return [...assertionConsumerServices, ...singleLogoutServices].map(({ location }) => location)
  }
  if (service.protocol !== 'oidc') return []
  const { redirect_uris, jwks_uri, backchannel_logout_uri, client_uri } = service.metadata
  return [redirect_uris, jwks_uri, backchannel_logout_uri, client_uri]
    .flat()
    .filter((url) => typeof url === 'string')
}
