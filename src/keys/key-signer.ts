import type { KeyObject } from 'node:crypto'
import type { SignatureAlgorithm } from './signing-key.ts'

/**
 * Signs with keys that this program never sees: in a PKCS#11 token, a key management service, or
 * another process. Every failure is an IdpError KEY_SIGNER_UNAVAILABLE.
 */
export interface KeySigner {
  /** The public half of the key with this label. */
  publicKey(label: string): Promise<KeyObject>
  /** A signature in the form of SigningKey.sign. */
  sign(label: string, algorithm: SignatureAlgorithm, data: Uint8Array): Promise<Buffer>
  labels(): Promise<readonly string[]>
  close(): Promise<void>
}
