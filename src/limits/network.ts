import { isIPv6 } from 'node:net'

/**
 * What counts as one address: of IPv6 the whole /64, since whoever has one address there has them
 * all (RFC 6177); of IPv4, also when it comes mapped (`::ffff:192.0.2.1`), the address itself.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [left = [], right = []] = address
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':')))
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const groups = [...left, ...zeros, ...right]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
