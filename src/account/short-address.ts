import { isIP, isIPv4 } from 'node:net'
import { networkOf } from '../limits/network.ts'

/**
 * An address as pages show it: enough to tell home from university, not one machine from the next.
 * IPv4 without the last octet (`192.0.2.*`), IPv6 as its /64 (`2001:db8:1:2:*`).
 *
 * @returns undefined for what is no address
 */
export function shortAddress(address: string | undefined): string | undefined {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  if (isIPv4(plain)) return plain.replace(/\d+$/, '*')
  return isIP(plain) ? `${networkOf(plain)}:*` : undefined
}
