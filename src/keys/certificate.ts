import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import * as der from './der.ts'

const oids = {
  sha256WithRsa: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  basicConstraints: '2.5.29.19',
}

/**
 * A self-signed certificate around an RSA key, for SAML metadata. Peers trust the key because the
 * metadata vouches for it; the certificate is its envelope (SAML Metadata Interoperability 2.0).
 *
 * @returns base64 DER without line breaks, as ds:X509Certificate carries it
 */
export function selfSignedCertificate(options: {
  privateKey: KeyObject
  publicKey: KeyObject
  commonName: string
  notBefore: Date
  days: number
}): string {
  const { privateKey, publicKey, commonName, notBefore, days } = options
  const notAfter = new Date(notBefore.getTime() + days * 86_400_000)
  const name = der.sequence(
    der.set(der.sequence(der.objectIdentifier(oids.commonName), der.utf8String(commonName))),
  )
  const algorithm = der.sequence(der.objectIdentifier(oids.sha256WithRsa), der.nullValue())
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
  const signature = sign('sha256', toBeSigned, privateKey)
  return der.sequence(toBeSigned, algorithm, der.bitString(signature)).toString('base64')
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
