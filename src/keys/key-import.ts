import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { IdpError } from '../errors.ts'
import { activateKey, addStaged, checkPurpose, type KeysContext } from './key-life.ts'
import type { KeyRecord } from './key-records.ts'
import { certificateFor } from './key-ring.ts'
import { sealPrivateKey, signerOf } from './key-vault.ts'
import { localKey, thumbprint, typeOfKey } from './local-key.ts'
import { type KeyUse, type SigningKey, signatureAlgorithm } from './signing-key.ts'

export interface ImportedKey {
  readonly key: KeyRecord
  /** What an administrator should know, although it was taken. */
  readonly warnings: readonly string[]
}

interface Wanted {
  readonly use: KeyUse
  /** PEM; absent: made here, signed by the key itself. Of several the one for the key counts. */
  readonly certificatePem?: string
  readonly certificateDays?: number
  readonly by: string
  /** `active`: signs at once, and the key that did so is retiring. */
  readonly as: 'staged' | 'active'
}

/**
 * Takes a private key made elsewhere, with its certificate: whoever trusts it need not change
 * anything. PKCS#8, PKCS#1 and SEC 1 in PEM, encrypted or not.
 *
 * @throws {IdpError} KEY_IMPORT_INVALID, KEY_STATE_WRONG
 */
export async function importKey(
  context: KeysContext,
  wanted: Wanted & { privateKeyPem: string; passphrase?: string },
): Promise<ImportedKey> {
  const privateKey = readPrivateKey(wanted.privateKeyPem, wanted.passphrase)
  const publicKey = createPublicKey(privateKey)
  const facts = factsOf(context, wanted.use, publicKey)
  const sealed = sealPrivateKey(context.keyVault, facts.kid, privateKey)
  // SimpleSAMLphp and others keep key and certificate in one file.
  const pem = wanted.certificatePem ?? certificatesIn(wanted.privateKeyPem)
  return take(context, { ...wanted, certificatePem: pem }, localKey(facts, privateKey), sealed)
}

/**
 * Takes a key that the key signer keeps. It must sign something first, so that a key that cannot is
 * found now and not at somebody's sign-in.
 *
 * @param wanted.label what the key signer knows it as
 * @throws {IdpError} KEY_IMPORT_INVALID, KEY_STATE_WRONG, KEY_SIGNER_UNAVAILABLE
 */
export async function importSignerKey(
  context: KeysContext,
  wanted: Wanted & { label: string },
): Promise<ImportedKey> {
  const { label, use } = wanted
  if (use === 'saml-encryption') {
    throw refusal('a key signer signs; a key for saml-encryption must be in the store')
  }
  const signer = signerOf(context.keyVault, label)
  const publicKey = await signer.publicKey(label)
  const facts = factsOf(context, use, publicKey)
  const sign = (data: Uint8Array) => signer.sign(label, signatureAlgorithm(facts), data)
  return take(context, wanted, { ...facts, publicKey, sign }, { signerLabel: label })
}

function factsOf(context: KeysContext, use: KeyUse, publicKey: KeyObject) {
  const type = typeOfKey(publicKey)
  if (!type) {
    const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {}
    throw refusal(
      `the key must be RSA with 2048 to 8192 bits or EC on the curve P-256, got ${publicKey.asymmetricKeyType} ${modulusLength ?? namedCurve ?? ''}`.trim(),
    )
  }
  checkPurpose(use, type)
  const kid = thumbprint(publicKey)
  return { kid, use, type, state: 'staged' as const, createdAt: context.now() }
}

async function take(
  context: KeysContext,
  wanted: Wanted,
  key: SigningKey,
  kept: object,
): Promise<ImportedKey> {
  const { use, certificatePem, by } = wanted
  const { config } = context
  const now = context.now()
  const warnings: string[] = []
  let certificate: string | undefined
  if (certificatePem !== undefined && use !== 'oidc') {
    certificate = certificateOf(key, certificatePem, now, warnings)
  } else {
    if (certificatePem !== undefined) {
      warnings.push('OpenID Connect publishes bare keys: the certificate is left out')
    }
    const days = wanted.certificateDays ?? config.certificateDays
    certificate = await certificateFor(config, key, now, days)
  }
  const staged = await addStaged(
    context,
    {
      _id: key.kid,
      use,
      type: key.type,
      ...kept,
      publicKey: key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      certificate,
      createdAt: now,
    },
    'key.imported',
    by,
  )
  if (wanted.as === 'staged') return { key: staged, warnings }
  return { key: await activateKey(context, staged.kid, { by }), warnings }
}

/** PKCS#8 and the older form of OpenSSL. */
export function isEncryptedKey(pem: string): boolean {
  return /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)
}

function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined && isEncryptedKey(pem)) {
    throw refusal('the key is encrypted: give its passphrase')
  }
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase })
  } catch (cause) {
    throw refusal(
      passphrase === undefined
        ? 'the file must hold a private key in PEM (PKCS#8, PKCS#1 or SEC 1)'
        : 'the file must hold a private key in PEM (PKCS#8, PKCS#1 or SEC 1), and the passphrase must be the right one',
      cause,
    )
  }
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

function certificatesIn(pem: string): string | undefined {
  return pem.match(certificatePattern)?.join('\n')
}

/** Metadata counts the key, not the certificate (IIP-MD08): its dates are told, and taken. */
function certificateOf(key: SigningKey, pem: string, now: Date, warnings: string[]): string {
  const found = (pem.match(certificatePattern) ?? []).map(parseCertificate)
  if (found.length === 0) throw refusal('the certificate file must hold a certificate in PEM')
  const certificate = found.find((candidate) => candidate.publicKey.equals(key.publicKey))
  if (!certificate) {
    throw refusal(
      `the certificate (${found[0]!.subject}) belongs to another key: its SHA-256 fingerprint is ${found[0]!.fingerprint256}`,
    )
  }
  if (certificate.validToDate < now) {
    warnings.push(
      `the certificate expired on ${certificate.validToDate.toISOString().slice(0, 10)}; services that follow the SAML metadata rules count the key only, others may refuse it`,
    )
  }
  if (certificate.validFromDate > now) {
    warnings.push(
      `the certificate is valid from ${certificate.validFromDate.toISOString().slice(0, 10)} only`,
    )
  }
  return certificate.raw.toString('base64')
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw refusal('the certificate cannot be read', cause)
  }
}

function refusal(message: string, cause?: unknown): IdpError {
  return new IdpError('KEY_IMPORT_INVALID', message, { cause })
}
