import type { KeyObject } from 'node:crypto'

/** What a key is for. `saml-encryption` opens what services encrypt for us and never signs. */
export const keyUses = ['saml', 'oidc', 'saml-encryption'] as const
export type KeyUse = (typeof keyUses)[number]

export const keyTypes = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256'] as const
export type KeyType = (typeof keyTypes)[number]

/** JWS names of the two ways in which our keys sign (RFC 7518 3.3 and 3.4). */
export type SignatureAlgorithm = 'RS256' | 'ES256'

/** staged: published, not signing. active: signs. retiring: published, no longer signs. retired: neither. */
export type KeyState = 'staged' | 'active' | 'retiring' | 'retired'

/** A key, opened or reached through the key signer. Lives in memory only. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key, base64url: never reused by construction. */
  readonly kid: string
  readonly use: KeyUse
  readonly type: KeyType
  readonly state: KeyState
  readonly publicKey: KeyObject
  /** Absent when the private key is kept elsewhere and only `sign` reaches it. */
  readonly privateKey?: KeyObject
  /** Base64 DER without line breaks; SAML keys only. */
  readonly certificate?: string
  readonly createdAt: Date
  /**
   * RSASSA-PKCS1-v1_5 with SHA-256, or for EC P-256 ECDSA with SHA-256 as r and s one after the
   * other: what XML Signature (6.4) and JWS (RFC 7518 3.4) write.
   *
   * @throws {IdpError} KEY_SIGNER_UNAVAILABLE when the key is kept elsewhere and cannot be reached
   */
  sign(data: Uint8Array): Promise<Buffer>
}

export function signatureAlgorithm({ type }: Pick<SigningKey, 'type'>): SignatureAlgorithm {
  return type === 'ec-p256' ? 'ES256' : 'RS256'
}

/** The keys of this institution as one worker sees them; follows the store without restart. */
export interface KeyRing {
  /**
   * The one that signs. OpenID Connect has one for each algorithm, because a service gets its tokens
   * in the one it registered: RS256 when none is named.
   */
  active(use: 'saml' | 'oidc', algorithm?: SignatureAlgorithm): SigningKey
  /**
   * All that metadata and JWKS publish: active first, then staged, then retiring. Of the keys that
   * open what services encrypt it is the active one alone: the others open as well, but nobody
   * should begin, or go on, to encrypt for them.
   */
  published(use: KeyUse): readonly SigningKey[]
  /** Keys that services may have encrypted for, by metadata of now or of some time ago. */
  decrypting(): readonly SigningKey[]
  /** Reads the store again; workers do it by themselves within about a second of a change. */
  reload(): Promise<void>
  /** Called after the set changed. Returns a function that stops it. */
  onChange(listener: () => void): () => void
}
