import { BlockList, isIP } from 'node:net'

/** IANA special-purpose registries (RFC 6890 and later): nothing in these is a server of the public net. */
const special = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  // Teredo, ORCHID and other protocol assignments.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 carries an IPv4 address inside, any of the above among them.
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
] as const) {
  special.addSubnet(network, prefix, 'ipv6')
}

/** All that is given out as global unicast (RFC 4291 2.4): loopback, ULA, link-local, mapped IPv4 and NAT64 lie outside. */
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether a server at this IP address is one that anybody on the internet can reach. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !special.check(address, 'ipv4')
  if (version !== 6) return false
  return globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/** 127.0.0.0/8 or ::1, written in no other way. */
export function isLoopbackAddress(address: string): boolean {
  const version = isIP(address)
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6')
}
