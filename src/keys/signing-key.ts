import type { KeyObject } from 'node:crypto'

export type KeyUse = 'saml' | 'oidc'
export type KeyType = 'rsa-2048' | 'rsa-3072' | 'rsa-4096'

/** staged: published, not signing. active: signs. retiring: published, no longer signs. retired: neither. */
export type KeyState = 'staged' | 'active' | 'retiring' | 'retired'

/** A signing key, opened. Lives in memory only. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key, base64url: never reused by construction. */
  readonly kid: string
  readonly use: KeyUse
  readonly type: KeyType
  readonly state: KeyState
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Self-signed certificate, base64 DER without line breaks; SAML keys only. */
  readonly certificate?: string
  readonly createdAt: Date
}

/** The keys of this institution as one worker sees them; follows the store without restart. */
export interface KeyRing {
  /** The one that signs. */
  active(use: KeyUse): SigningKey
  /** All that metadata and JWKS publish: active first, then staged, then retiring. */
  published(use: KeyUse): readonly SigningKey[]
  /** Called after the set changed. Returns a function that stops it. */
  onChange(listener: () => void): () => void
}
