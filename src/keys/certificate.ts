import { createHash, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import * as der from './der.ts'
import { signWith } from './local-key.ts'

const oids = {
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  basicConstraints: '2.5.29.19',
}

export interface CertificateContent {
  readonly publicKey: KeyObject
  readonly commonName: string
  readonly notBefore: Date
  readonly days: number
}

/**
 * A self-signed certificate around a key of ours, for SAML metadata. Peers trust the key because the
 * metadata vouches for it; the certificate is its envelope (SAML Metadata Interoperability 2.0).
 *
 * @returns base64 DER without line breaks, as ds:X509Certificate carries it
 */
export function selfSignedCertificate(
  content: CertificateContent & { readonly privateKey: KeyObject },
): string {
  const prepared = prepareCertificate(content)
  return prepared.finish(signWith(content.privateKey, prepared.toBeSigned))
}

/** The same for a key of which only its signature can be had: see SigningKey.sign. */
export async function certificateSignedBy(
  content: CertificateContent,
  sign: (data: Uint8Array) => Promise<Buffer>,
): Promise<string> {
  const prepared = prepareCertificate(content)
  return prepared.finish(await sign(prepared.toBeSigned))
}

function prepareCertificate({ publicKey, commonName, notBefore, days }: CertificateContent) {
  const isEc = publicKey.asymmetricKeyType === 'ec'
  const notAfter = new Date(notBefore.getTime() + days * 86_400_000)
  const name = der.sequence(
    der.set(der.sequence(der.objectIdentifier(oids.commonName), der.utf8String(commonName))),
  )
  // RFC 5758 3.2: ecdsa-with-SHA256 has no parameters, not even NULL.
  const algorithm = isEc
    ? der.sequence(der.objectIdentifier(oids.ecdsaWithSha256))
    : der.sequence(der.objectIdentifier(oids.sha256WithRsa), der.nullValue())
  const subjectPublicKeyInfo = publicKey.export({ type: 'spki', format: 'der' })
  const serial = randomBytes(16)
  // RFC 5280 4.1.2.2: positive, and never the same for two certificates.
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    algorithm,
    name,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    name,
    subjectPublicKeyInfo,
    der.explicit(3, extensions(subjectPublicKeyInfo)),
  )
  return {
    toBeSigned,
    finish(signature: Buffer): string {
      const value = isEc ? ecdsaValue(signature) : signature
      return der.sequence(toBeSigned, algorithm, der.bitString(value)).toString('base64')
    },
  }
}

/** Ecdsa-Sig-Value (RFC 3279 2.2.3) from r and s one after the other. */
function ecdsaValue(raw: Buffer): Buffer {
  const half = raw.length / 2
  return der.sequence(der.integer(raw.subarray(0, half)), der.integer(raw.subarray(half)))
}

function extensions(subjectPublicKeyInfo: Buffer): Buffer {
  const keyIdentifier = createHash('sha1').update(subjectPublicKeyInfo).digest()
  return der.sequence(
    der.sequence(
      der.objectIdentifier(oids.subjectKeyIdentifier),
      der.octetString(der.octetString(keyIdentifier)),
    ),
    der.sequence(
      der.objectIdentifier(oids.basicConstraints),
      der.boolean(true),
      der.octetString(der.sequence()),
    ),
  )
}

/** PEM from base64 DER. */
export function certificatePem(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** What administrators compare and watch. */
export interface CertificateFacts {
  readonly subject: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** Upper-case hex in pairs with colons, as openssl prints it. */
  readonly sha1: string
  readonly sha256: string
}

/** @param base64 DER */
export function certificateFacts(base64: string): CertificateFacts {
  const certificate = new X509Certificate(Buffer.from(base64, 'base64'))
  return {
    subject: certificate.subject,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    sha1: certificate.fingerprint,
    sha256: certificate.fingerprint256,
  }
}
