import {
  createHash,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign as signNow,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyType, SigningKey } from './signing-key.ts'

const makeKeyPair = promisify(generateKeyPair)

/**
 * A key whose private half is in this process.
 *
 * It signs at once, not on the thread pool: that costs more CPU for each signature, and a SAML
 * message needs two that depend on each other.
 */
export function localKey(
  facts: Omit<SigningKey, 'sign' | 'publicKey' | 'privateKey'>,
  privateKey: KeyObject,
): SigningKey & { readonly privateKey: KeyObject } {
  return {
    ...facts,
    privateKey,
    publicKey: createPublicKey(privateKey),
    sign: async (data) => signWith(privateKey, data),
  }
}

/** Raw r||s for EC, PKCS#1 v1.5 for RSA; SHA-256 for both. */
export function signWith(privateKey: KeyObject, data: Uint8Array): Buffer {
  return privateKey.asymmetricKeyType === 'ec'
    ? signNow('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    : signNow('sha256', data, privateKey)
}

export async function makePrivateKey(type: KeyType): Promise<KeyObject> {
  const { privateKey } =
    type === 'ec-p256'
      ? await makeKeyPair('ec', { namedCurve: 'P-256' })
      : await makeKeyPair('rsa', { modulusLength: Number(type.slice('rsa-'.length)) })
  return privateKey
}

/** The type of a key that came from elsewhere; undefined when it is none we sign with. */
export function typeOfKey(key: KeyObject): KeyType | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'ec-p256' : undefined
  if (key.asymmetricKeyType !== 'rsa' || modulusLength < 2048 || modulusLength > 8192) {
    return undefined
  }
  // Sizes that we do not make ourselves, such as 2560, are taken from elsewhere.
  return `rsa-${modulusLength}` as KeyType
}

/** RFC 7638 section 3: SHA-256 over the required members of the JWK in lexical order. */
export function thumbprint(publicKey: KeyObject): string {
  const { e, kty, n, crv, x, y } = publicKey.export({ format: 'jwk' })
  const members = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}
