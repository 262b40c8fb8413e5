import { open, seal } from '../keys/sealing.ts'
import type { Secrets } from '../keys/secrets.ts'

/** One for the process, as the connection to the store is: what is sealed lies in that store. */
let sealingKey: Buffer | undefined

/** Gives this room the key that client secrets are sealed under. Called once the secrets are open. */
export function useClientSecretKey(secrets: Secrets): void {
  sealingKey = secrets.get('client-secret-seal')
}

/** OpenID Connect needs the secret itself (HMAC, client_secret_basic), so it is sealed, not hashed. */
export function sealClientSecret(clientId: string, clientSecret: string): string {
  return seal(key(), clientSecret, purposeOf(clientId))
}

/** @throws {SealError} when it was sealed for another client or under another key */
export function openClientSecret(clientId: string, sealed: string): string {
  return open(key(), sealed, purposeOf(clientId)).toString()
}

function purposeOf(clientId: string): string {
  return `client-secret:${clientId}`
}

function key(): Buffer {
  if (!sealingKey) throw new Error('client secrets need their key: call useClientSecretKey() first')
  return sealingKey
}
