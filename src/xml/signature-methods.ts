import { type KeyObject, verify } from 'node:crypto'

export type DigestName = 'sha256' | 'sha384' | 'sha512'

const moreAlgorithms = 'http://www.w3.org/2001/04/xmldsig-more#'

/** ds:SignatureMethod URIs that are accepted. SHA-1 and MD5 are missing on purpose: collisions for them can be bought. */
export const signatureMethods: Readonly<
  Record<string, { readonly digest: DigestName; readonly keyType: 'rsa' | 'ec' }>
> = {
  [`${moreAlgorithms}rsa-sha256`]: { digest: 'sha256', keyType: 'rsa' },
  [`${moreAlgorithms}rsa-sha384`]: { digest: 'sha384', keyType: 'rsa' },
  [`${moreAlgorithms}rsa-sha512`]: { digest: 'sha512', keyType: 'rsa' },
  [`${moreAlgorithms}ecdsa-sha256`]: { digest: 'sha256', keyType: 'ec' },
  [`${moreAlgorithms}ecdsa-sha384`]: { digest: 'sha384', keyType: 'ec' },
  [`${moreAlgorithms}ecdsa-sha512`]: { digest: 'sha512', keyType: 'ec' },
}

/** ds:DigestMethod URIs that are accepted. */
export const digestMethods: Readonly<Record<string, DigestName>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  [`${moreAlgorithms}sha384`]: 'sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
}

/** Whether the signature is right under this algorithm and key; a key of another kind never is. */
export function verifyWith(
  algorithm: string,
  data: Buffer,
  key: KeyObject,
  signature: Buffer,
): boolean {
  const method = Object.hasOwn(signatureMethods, algorithm)
    ? signatureMethods[algorithm]
    : undefined
  if (!method || key.asymmetricKeyType !== method.keyType) return false
  if (method.keyType === 'rsa') return verify(method.digest, data, key, signature)
  // XML Signature 1.1, 6.4.3 writes r and s one after the other; Java libraries put DER in queries.
  return (['ieee-p1363', 'der'] as const).some((dsaEncoding) =>
    verify(method.digest, data, { key, dsaEncoding }, signature),
  )
}
