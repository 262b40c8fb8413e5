import { keyedHash } from '../keys/keyed-hash.ts'

/**
 * The name of a person in the AcademicID registry: base64url of HMAC-SHA-256 over `COUNTRY|NUMBER`
 * under a key that the participating institutions share and the registry does not know. Whoever has
 * the registry's data alone cannot try out numbers.
 */
export function personKey(sharedKey: Buffer, country: string, number: string): string {
  const text = `${country.toUpperCase()}|${number.replace(/\s/g, '')}`
  return keyedHash(sharedKey, text).toString('base64url')
}

/** 32 bytes in base64url: the last character carries four bits, so only every fourth one can end it. */
const keyPattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export function isPersonKey(text: unknown): text is string {
  return typeof text === 'string' && keyPattern.test(text)
}

/** Tells shared keys apart without giving anything of them away: two institutions compare these. */
export function keyFingerprint(sharedKey: Buffer): string {
  return keyedHash(sharedKey, 'propylaia academicid shared key').toString('hex').slice(0, 12)
}
