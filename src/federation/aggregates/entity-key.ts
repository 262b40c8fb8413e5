import { hash } from 'node:crypto'

/**
 * generation:SHA-1:SHA-256 of the entityID, in one index: found by the entityID, by the SHA-1 alone
 * (as MDQ asks), and all of a generation. SHA-1 would not do: two entityIDs can be made to share it.
 */
export function entityKey(generation: string, entityId: string): string {
  const sha256 = hash('sha256', entityId, 'base64url')
  return `${generation}:${hash('sha1', entityId)}:${sha256}`
}
