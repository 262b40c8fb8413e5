import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16

/** A sealed text could not be opened: another key, another purpose, or damage. Never says which. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * AES-256-GCM: nonce, ciphertext and tag in one base64url text.
 *
 * @param key 32 bytes
 * @param purpose bound to the text as associated data, so that one kind cannot stand for another
 */
export function seal(key: Buffer, plaintext: Uint8Array | string, purpose: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(purpose))
  const body = cipher.update(plaintext)
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** @throws {SealError} when `sealed` was not made with this key and purpose */
export function open(key: Buffer, sealed: string, purpose: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url')
  // Decoding passes over what is no base64url, and over bits that no byte holds.
  if (bytes.toString('base64url') !== sealed)
    throw new SealError(`${purpose}: not as it was sealed`)
  if (bytes.length < nonceBytes + tagBytes)
    throw new SealError(`${purpose}: too short to be sealed`)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
  decipher.setAAD(Buffer.from(purpose))
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  try {
    const body = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes))
    return Buffer.concat([body, decipher.final()])
  } catch {
    throw new SealError(`${purpose}: sealed under another key, for another purpose, or damaged`)
  }
}
