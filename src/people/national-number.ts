import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { importedKey, keyedHash } from '../keys/keyed-hash.ts'
import type { SecretName, Secrets } from '../keys/secrets.ts'
import type { SealedNationalNumber } from './person.ts'

type NumberSecrets = Pick<Secrets, 'get'>

/** Bytes of the GCM nonce and tag as they stand before and after the ciphertext. */
const nonceBytes = 12
const tagBytes = 16

function keyOf(secrets: NumberSecrets, name: SecretName): KeyObject {
  return importedKey(secrets.get(name))
}

/**
 * The look-up key of a national number: HMAC-SHA-256 over `COUNTRY|NUMBER`, hex. Keyed, because a
 * plain hash of the few hundred million possible AMKA is reversed in minutes.
 */
export function nationalNumberHmac(
  secrets: NumberSecrets,
  country: string,
  number: string,
): string {
  return keyedHash(secrets.get('national-number-hmac'), `${country}|${number}`).toString('hex')
}

/**
 * Encrypts a national number for the store (AES-256-GCM, fresh nonce). The country and the look-up
 * key are associated data: a ciphertext moved to another person's entry does not open.
 */
export function sealNationalNumber(
  secrets: NumberSecrets,
  country: string,
  number: string,
): SealedNationalNumber {
  const hmac = nationalNumberHmac(secrets, country, number)
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keyOf(secrets, 'national-number-seal'), nonce)
  cipher.setAAD(Buffer.from(`${country}|${hmac}`))
  const sealed = Buffer.concat([nonce, cipher.update(number, 'utf8'), cipher.final()])
  return {
    country,
    hmac,
    sealed: Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url'),
  }
}

/**
 * The number in clear.
 *
 * @throws {Error} when it was sealed under another key or changed since
 */
export function openNationalNumber(secrets: NumberSecrets, entry: SealedNationalNumber): string {
  const bytes = Buffer.from(entry.sealed, 'base64url')
  if (bytes.length < nonceBytes + tagBytes) throw new Error('sealed national number is too short')
  const decipher = createDecipheriv(
    'aes-256-gcm',
    keyOf(secrets, 'national-number-seal'),
    bytes.subarray(0, nonceBytes),
    { authTagLength: tagBytes },
  )
  decipher.setAAD(Buffer.from(`${entry.country}|${entry.hmac}`))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const number = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
  return Buffer.concat([number, decipher.final()]).toString('utf8')
}

/** What reports and screens show of a national number: its length and last two characters. */
export function maskNationalNumber(number: string): string {
  return number.length <= 4
    ? '*'.repeat(number.length)
    : number.slice(-2).padStart(number.length, '*')
}
