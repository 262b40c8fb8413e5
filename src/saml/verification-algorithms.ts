import { hash, type KeyLike, type KeyObject, verify } from 'node:crypto'
import type { HashAlgorithm, SignatureAlgorithm, SignatureAlgorithmType } from 'xml-crypto'
import { algorithms } from './uris.ts'

interface VerificationMethod {
  readonly digest: 'sha256' | 'sha384' | 'sha512'
  readonly keyType: 'rsa' | 'ec'
}

/** All that is accepted. SHA-1 and MD5 are missing on purpose: collisions for them can be bought. */
const methods: Readonly<Record<string, VerificationMethod>> = {
  [algorithms.rsaSha256]: { digest: 'sha256', keyType: 'rsa' },
  [algorithms.rsaSha384]: { digest: 'sha384', keyType: 'rsa' },
  [algorithms.rsaSha512]: { digest: 'sha512', keyType: 'rsa' },
  [algorithms.ecdsaSha256]: { digest: 'sha256', keyType: 'ec' },
  [algorithms.ecdsaSha384]: { digest: 'sha384', keyType: 'ec' },
  [algorithms.ecdsaSha512]: { digest: 'sha512', keyType: 'ec' },
}

/** Whether the signature is right under this algorithm and key; a key of another kind never is. */
export function verifyWith(
  algorithm: string,
  data: Buffer,
  key: KeyObject,
  signature: Buffer,
): boolean {
  const method = Object.hasOwn(methods, algorithm) ? methods[algorithm] : undefined
  if (!method || key.asymmetricKeyType !== method.keyType) return false
  if (method.keyType === 'rsa') return verify(method.digest, data, key, signature)
  // XML Signature 1.1, 6.4.3 writes r and s one after the other; Java libraries put DER in queries.
  return (['ieee-p1363', 'der'] as const).some((dsaEncoding) =>
    verify(method.digest, data, { key, dsaEncoding }, signature),
  )
}

type SignatureAlgorithmClass = new () => SignatureAlgorithm

function signatureAlgorithm(uri: string): SignatureAlgorithmClass {
  return class implements SignatureAlgorithm {
    getAlgorithmName(): SignatureAlgorithmType {
      return uri
    }

    getSignature(): never {
      throw new Error('this algorithm table verifies only')
    }

    verifySignature(material: string, key: KeyLike, value: string): boolean {
      return verifyWith(uri, Buffer.from(material), key as KeyObject, Buffer.from(value, 'base64'))
    }
  } as unknown as SignatureAlgorithmClass
}

/** The same methods for xml-crypto, in place of its own, which include SHA-1. */
export const SignatureAlgorithms: Record<string, SignatureAlgorithmClass> = Object.fromEntries(
  Object.keys(methods).map((uri) => [uri, signatureAlgorithm(uri)]),
)

function hashAlgorithm(uri: string, name: VerificationMethod['digest']): new () => HashAlgorithm {
  return class implements HashAlgorithm {
    getAlgorithmName(): string {
      return uri
    }

    getHash(xml: string): string {
      return hash(name, xml, 'base64')
    }
  }
}

export const HashAlgorithms: Record<string, new () => HashAlgorithm> = {
  [algorithms.sha256]: hashAlgorithm(algorithms.sha256, 'sha256'),
  [algorithms.sha384]: hashAlgorithm(algorithms.sha384, 'sha384'),
  [algorithms.sha512]: hashAlgorithm(algorithms.sha512, 'sha512'),
}
