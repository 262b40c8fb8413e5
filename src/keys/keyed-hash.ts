import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

const imported = new WeakMap<Buffer, KeyObject>()

/**
 * The key as node:crypto wants it, made once for each Buffer: importing it anew costs four times an
 * HMAC, and every response to a service takes several.
 */
export function importedKey(key: Buffer): KeyObject {
  let object = imported.get(key)
  if (!object) {
    object = createSecretKey(key)
    imported.set(key, object)
  }
  return object
}

/** HMAC-SHA-256 of a text. */
export function keyedHash(key: Buffer, text: string): Buffer {
  return createHmac('sha256', importedKey(key)).update(text).digest()
}
