import { hash, type KeyLike, type KeyObject } from 'node:crypto'
import type { HashAlgorithm, SignatureAlgorithm, SignatureAlgorithmType } from 'xml-crypto'
import {
  type DigestName,
  digestMethods,
  signatureMethods,
  verifyWith,
} from '../xml/signature-methods.ts'

export { verifyWith } from '../xml/signature-methods.ts'

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
  Object.keys(signatureMethods).map((uri) => [uri, signatureAlgorithm(uri)]),
)

function hashAlgorithm(uri: string, name: DigestName): new () => HashAlgorithm {
  return class implements HashAlgorithm {
    getAlgorithmName(): string {
      return uri
    }

    getHash(xml: string): string {
      return hash(name, xml, 'base64')
    }
  }
}

export const HashAlgorithms: Record<string, new () => HashAlgorithm> = Object.fromEntries(
  Object.entries(digestMethods).map(([uri, name]) => [uri, hashAlgorithm(uri, name)]),
)
