import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { attributeOf, childElement, childElements, textOf } from '../xml/safe-xml.ts'
import {
  type MetadataProblemCode,
  type MetadataReading,
  metadataError,
} from './metadata-finding.ts'
import { ns } from './metadata-uris.ts'
import type { MetadataKey } from './service.ts'

const minimumRsaBits = 2048
/** A certificate of an RSA-4096 key has about 2,000 characters. */
const maxCertificateCharacters = 20_000

export interface RoleKeys {
  readonly signingKeys: MetadataKey[]
  readonly encryptionKeys: MetadataKey[]
}

/**
 * The keys of a role. `use` absent means both uses. A certificate is only an envelope: expired,
 * self-signed and oddly signed ones serve (fedinterop IIP-MD07 to MD12); a key too short does not.
 *
 * @throws {IdpError} METADATA_INVALID
 */
export function readKeys(role: Element, reading: MetadataReading): RoleKeys {
  const keys: RoleKeys = { signingKeys: [], encryptionKeys: [] }
  const opened: OpenedKeys = new Map()
  for (const descriptor of childElements(role, ns.md, 'KeyDescriptor')) {
    const use = attributeOf(descriptor, 'use')
    if (use !== undefined && use !== 'signing' && use !== 'encryption') {
      throw metadataError(`KeyDescriptor use="${use}", expected "signing" or "encryption"`, {
        element: descriptor,
        entityId: reading.entityId,
      })
    }
    const read = readKey(descriptor, reading, opened)
    if (!read) continue
    if (use !== 'encryption') keys.signingKeys.push(read.key)
    // RSA-OAEP is how we hand over the content key; an elliptic curve key cannot do that.
    if (use !== 'signing' && read.type === 'rsa') keys.encryptionKeys.push(read.key)
    else if (use === 'encryption') {
      reading.findings.push({
        code: 'KEY_NOT_USABLE',
        message: `The encryption key is of type ${read.type}; assertions are encrypted to RSA keys only.`,
        remedy: 'Publish an RSA key of 2048 bits or more with use="encryption".',
      })
    }
  }
  return keys
}

/**
 * By the certificate's text. Most services have one for both uses: opening it twice would be a tenth
 * of what reading their metadata takes.
 */
type OpenedKeys = Map<string, KeyObject>

function readKey(descriptor: Element, reading: MetadataReading, opened: OpenedKeys) {
  const keyInfo = childElement(descriptor, ns.ds, 'KeyInfo')
  const x509Data = keyInfo && childElement(keyInfo, ns.ds, 'X509Data')
  const certificateElement = x509Data && childElement(x509Data, ns.ds, 'X509Certificate')
  const keyValue = keyInfo && childElement(keyInfo, ns.ds, 'KeyValue')
  const rsaKeyValue = keyValue && childElement(keyValue, ns.ds, 'RSAKeyValue')
  const certificate = certificateElement && textOf(certificateElement).replace(/\s+/g, '')
  const fail: Fail = (code, problem, remedy) =>
    metadataError(problem, {
      code,
      element: certificateElement ?? descriptor,
      entityId: reading.entityId,
      remedy,
    })
  let publicKey: KeyObject
  if (certificate) {
    publicKey = opened.get(certificate) ?? openCertificate(certificate, reading, fail)
    opened.set(certificate, publicKey)
  } else if (rsaKeyValue) {
    publicKey = openRsaKeyValue(rsaKeyValue, fail)
  } else {
    reading.findings.push({
      code: 'KEY_NOT_USABLE',
      message: 'A KeyDescriptor holds neither an X509Certificate nor an RSAKeyValue.',
      remedy: 'Put the certificate itself into KeyInfo; a key name alone cannot be looked up.',
    })
    return undefined
  }
  const type = publicKey.asymmetricKeyType ?? 'unknown'
  const bits = publicKey.asymmetricKeyDetails?.modulusLength
  if (type === 'rsa' && (bits ?? 0) < minimumRsaBits) {
    throw fail(
      'KEY_TOO_SHORT',
      `an RSA key of ${bits} bits, expected ${minimumRsaBits} or more`,
      'Make a new key pair (3072 bits are advised) and publish its certificate.',
    )
  }
  if (type !== 'rsa' && type !== 'ec') {
    throw fail(
      'KEY_TYPE_UNKNOWN',
      `a key of type ${type}, expected RSA or EC`,
      'Make a new RSA key pair.',
    )
  }
  const key: MetadataKey = {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    certificate: certificate || undefined,
    ...readEncryptionMethods(descriptor),
  }
  return { key, type }
}

type Fail = (code: MetadataProblemCode, problem: string, remedy: string) => Error

function openCertificate(certificate: string, reading: MetadataReading, fail: Fail): KeyObject {
  if (certificate.length > maxCertificateCharacters) {
    throw fail(
      'CERTIFICATE_UNREADABLE',
      'a certificate that is far too long',
      'Publish one plain certificate.',
    )
  }
  let opened: X509Certificate
  let publicKey: KeyObject
  try {
    opened = new X509Certificate(Buffer.from(certificate, 'base64'))
    // Reading the key is what can fail on a certificate of an unknown key type.
    publicKey = opened.publicKey
  } catch {
    throw fail(
      'CERTIFICATE_UNREADABLE',
      'X509Certificate does not hold a certificate',
      'Paste the base64 text between the BEGIN and END lines of the PEM file, whole.',
    )
  }
  if (opened.validToDate <= reading.now) {
    reading.findings.push({
      code: 'CERTIFICATE_EXPIRED',
      message: `A certificate expired on ${opened.validToDate.toISOString().slice(0, 10)}; its key is used all the same.`,
      subject: opened.validToDate.toISOString().slice(0, 10),
      remedy: 'Nothing has to be done: metadata vouches for the key, not for its dates.',
    })
  }
  if (/sha1/i.test(opened.signatureAlgorithm ?? '')) {
    reading.findings.push({
      code: 'CERTIFICATE_SHA1',
      message: 'A certificate is signed with SHA-1; its key is used all the same.',
      remedy: 'Sign the certificate with SHA-256 when you next change keys.',
    })
  }
  return publicKey
}

function openRsaKeyValue(rsaKeyValue: Element, fail: Fail): KeyObject {
  const part = (name: string) =>
    Buffer.from(textOf(childElement(rsaKeyValue, ns.ds, name)), 'base64').toString('base64url')
  try {
    return createPublicKey({
      key: { kty: 'RSA', n: part('Modulus'), e: part('Exponent') },
      format: 'jwk',
    })
  } catch {
    throw fail(
      'CERTIFICATE_UNREADABLE',
      'RSAKeyValue does not hold an RSA key',
      'Publish the certificate instead.',
    )
  }
}

/** What the key's owner can decrypt (SAML Metadata 2.4.1.1). */
function readEncryptionMethods(descriptor: Element) {
  const methods = childElements(descriptor, ns.md, 'EncryptionMethod')
  const algorithms = methods.map((method) => attributeOf(method, 'Algorithm') ?? '')
  const digests = methods
    .flatMap((method) => childElements(method, ns.ds, 'DigestMethod'))
    .map((digest) => attributeOf(digest, 'Algorithm') ?? '')
  return {
    encryptionMethods: [...new Set(algorithms.filter(Boolean))],
    oaepDigests: [...new Set(digests.filter(Boolean))],
  }
}
