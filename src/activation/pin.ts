import { randomInt, timingSafeEqual } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'

export const pinLifetimeMs = 15 * 60_000
export const pinTries = 5

/** Six digits, each equally likely. */
export function makePin(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** @param owner what the PIN belongs to: the same digits for another give another hash */
export function pinHmac(context: Pick<AppContext, 'secrets'>, owner: string, pin: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `pin|${owner}|${pin}`).toString('hex')
}

export function isSamePin(
  context: Pick<AppContext, 'secrets'>,
  owner: string,
  pin: string,
  hmac: string,
): boolean {
  const given = Buffer.from(pinHmac(context, owner, pin), 'hex')
  const expected = Buffer.from(hmac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** People copy a PIN with a space in the middle, or with the digits of another keyboard. */
export function readPin(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const digits = value.normalize('NFKC').replace(/[\s-]/g, '')
  return /^\d{6}$/.test(digits) ? digits : undefined
}
