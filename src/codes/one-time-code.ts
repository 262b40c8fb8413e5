import { randomInt, timingSafeEqual } from 'node:crypto'
import { Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'

export const codeLifetimeMs = 15 * 60_000
export const codeTries = 5

/** A live PIN or code that was sent to somebody. */
export interface OneTimeCode {
  /** Keyed hash, hex: a plain hash of six digits is guessed in a second. */
  readonly hmac: string
  readonly triesLeft: number
  readonly sentAt: Date
  /** Compared at each use: nothing deletes a code on the minute. */
  readonly expiresAt: Date
  /** Of the messages that carry it. */
  readonly messageIds: readonly string[]
}

export const oneTimeCodeSchema = new Schema(
  {
    hmac: { type: String, required: true },
    triesLeft: { type: Number, required: true },
    sentAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    messageIds: [String],
  },
  { _id: false },
)

/** Six digits, each equally likely. */
export function makeCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0')
}

/** @param owner what the code belongs to: the same digits for another give another hash */
export function codeRecord(
  context: Pick<AppContext, 'secrets' | 'now'>,
  owner: string,
  code: string,
): OneTimeCode {
  const sentAt = context.now()
  return {
    hmac: codeHmac(context, owner, code),
    triesLeft: codeTries,
    sentAt,
    expiresAt: new Date(sentAt.getTime() + codeLifetimeMs),
    messageIds: [],
  }
}

export function isSameCode(
  context: Pick<AppContext, 'secrets'>,
  owner: string,
  code: string,
  hmac: string,
): boolean {
  const given = Buffer.from(codeHmac(context, owner, code), 'hex')
  const expected = Buffer.from(hmac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** People copy a code with a space in the middle, or with the digits of another keyboard. */
export function readCode(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const digits = value.normalize('NFKC').replace(/[\s-]/g, '')
  return /^\d{6}$/.test(digits) ? digits : undefined
}

function codeHmac(context: Pick<AppContext, 'secrets'>, owner: string, code: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `code|${owner}|${code}`).toString('hex')
}
