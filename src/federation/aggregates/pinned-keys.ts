import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { IdpError } from '../../errors.ts'

const minimumRsaBits = 2048
const pemBlock = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----[\s\S]+?-----END \1-----/g

/**
 * The keys that a federation signs with, from a PEM file: certificates or bare public keys, several
 * while the federation changes its key. A certificate is an envelope only; its dates and issuer do
 * not count (fedinterop IIP-MD03).
 *
 * @throws {IdpError} METADATA_INVALID
 */
export function readPinnedKeys(pem: string): KeyObject[] {
  const keys = [...pem.matchAll(pemBlock)].map(([block, kind]) => {
    try {
      return kind === 'CERTIFICATE' ? new X509Certificate(block).publicKey : createPublicKey(block)
    } catch (error) {
      throw refuse(`a ${kind} block in it cannot be read`, error)
    }
  })
  if (keys.length === 0) {
    throw refuse('it holds neither a CERTIFICATE nor a PUBLIC KEY block; PEM is expected')
  }
  for (const key of keys) {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    if (key.asymmetricKeyType === 'rsa' && bits < minimumRsaBits) {
      throw refuse(`an RSA key of ${bits} bits, expected ${minimumRsaBits} or more`)
    }
    if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec') {
      throw refuse(`a key of type ${key.asymmetricKeyType}, expected RSA or EC`)
    }
  }
  return keys
}

function refuse(problem: string, cause?: unknown): IdpError {
  return new IdpError('METADATA_INVALID', `the federation's key: ${problem}`, { cause })
}
