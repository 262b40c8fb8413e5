import { BlockList, isIP } from 'node:net'

/** What no setting opens: programs that trust whoever reaches them, such as the metadata service of clouds. */
const closed = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const

/** A larger one is most likely a mistake. Bits, of IPv4 and IPv6 alike. */
const shortestPrefix = 8

/**
 * Networks that an administrator named, such as `10.20.0.0/16, 10.1.2.3`.
 *
 * @returns undefined for none
 * @throws {Error} for what is no address or subnet, or is larger than `/8`, or overlaps loopback,
 *   link-local or multicast addresses
 */
export function readNetworks(text: string): BlockList | undefined {
  if (text.trim() === '') return undefined
  const networks = new BlockList()
  for (const entry of text.split(',')) addNetwork(networks, entry.trim())
  return networks
}

export function isInNetworks(networks: BlockList | undefined, address: string): boolean {
  const version = isIP(address)
  if (!networks || version === 0) return false
  return networks.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

function addNetwork(networks: BlockList, entry: string): void {
  const [, address = '', prefixText] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const prefix = prefixText === undefined ? bits : Number(prefixText)
  if (version === 0 || prefix > bits || prefix < shortestPrefix) {
    throw new Error(
      `must be addresses or subnets of at least /${shortestPrefix} separated by commas, such as 10.20.0.0/16`,
    )
  }
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const one = new BlockList()
  one.addSubnet(address, prefix, family)
  for (const [network, length] of closed) {
    const other = isIP(network) === 4 ? 'ipv4' : 'ipv6'
    const theirs = new BlockList()
    theirs.addSubnet(network, length, other)
    if (one.check(network, other) || theirs.check(address, family)) {
      throw new Error('must not hold addresses of loopback, link-local or multicast')
    }
  }
  networks.addSubnet(address, prefix, family)
}
