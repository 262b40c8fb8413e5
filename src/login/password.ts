import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * Argon2id as OWASP's password storage sheet sets it: 19 MiB, 2 passes, 1 lane. A stored hash with
 * other parameters still verifies and is renewed at the next sign-in.
 */
const parameters = { memoryKiB: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

/** Longer inputs are refused, not cut: cutting would make two passwords equal. Bytes of UTF-8. */
export const maxPasswordBytes = 1024

const derive = promisify(argon2)

interface StoredHash {
  memoryKiB: number
  passes: number
  parallelism: number
  salt: Buffer
  tag: Buffer
}

/**
 * A password in the one form that is hashed and compared (RFC 8265 4.2.2, OpaqueString): composed,
 * because a phone and a desktop send the same Greek accent differently, and with plain spaces,
 * because some keyboards send a no-break one. NFC and not NFKC: NFKC would make different
 * passwords equal. Case stays.
 */
export function preparePassword(password: string): string {
  return password.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}

/** @returns PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$tag` */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const tag = await computeTag(password, { ...parameters, salt, tag: Buffer.alloc(tagBytes) })
  const { memoryKiB, passes, parallelism } = parameters
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
}

/**
 * Compares in constant time. Without a stored hash (unknown username, no password yet) it does the
 * same work and says no, so that the time tells nothing.
 */
export async function verifyPassword(
  password: string,
  phc: string | undefined,
): Promise<{ ok: boolean; needsRehash: boolean }> {
  const stored = phc === undefined ? undefined : parsePhc(phc)
  const compared = stored ?? decoy
  const tag = await computeTag(password, compared)
  const ok = timingSafeEqual(tag, compared.tag) && stored !== undefined && fits(password)
  const isCurrent =
    compared.memoryKiB === parameters.memoryKiB &&
    compared.passes === parameters.passes &&
    compared.parallelism === parameters.parallelism
  return { ok, needsRehash: ok && !isCurrent }
}

const decoy: StoredHash = {
  ...parameters,
  salt: randomBytes(saltBytes),
  tag: randomBytes(tagBytes),
}

function computeTag(password: string, hash: StoredHash): Promise<Buffer> {
  const message = fits(password) ? Buffer.from(preparePassword(password), 'utf8') : Buffer.alloc(0)
  return derive('argon2id', {
    message,
    nonce: hash.salt,
    parallelism: hash.parallelism,
    tagLength: hash.tag.length,
    memory: hash.memoryKiB,
    passes: hash.passes,
  })
}

function fits(password: string): boolean {
  return Buffer.byteLength(preparePassword(password), 'utf8') <= maxPasswordBytes
}

function parsePhc(phc: string): StoredHash {
  const match =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc)
  if (!match) throw new Error('stored password hash is not an argon2id PHC string')
  const [, memory, passes, parallelism, salt, tag] = match as unknown as string[]
  return {
    memoryKiB: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt as string, 'base64'),
    tag: Buffer.from(tag as string, 'base64'),
  }
}

/** PHC strings use base64 without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
