import { createHash } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { buildMetadata } from './metadata.ts'

export interface ServedMetadata {
  readonly xml: Buffer
  readonly etag: string
}

/**
 * Keeps our signed metadata; makes it anew when the keys changed or half of its life is over.
 * validUntil moves in steps of that half life, so that every worker signs the same document.
 *
 * @returns a function that gives the metadata for now
 */
export function metadataCache(
  context: Pick<AppContext, 'config' | 'institution' | 'keys' | 'now'>,
): () => ServedMetadata {
  const { config, institution, keys } = context
  const lifetimeMs = config.metadataValidDays * 86_400_000
  const stepMs = lifetimeMs / 2
  let made: { served: ServedMetadata; step: number } | undefined
  keys.onChange(() => {
    made = undefined
  })
  return () => {
    const step = Math.floor(context.now().getTime() / stepMs)
    if (made?.step !== step) {
      const xml = buildMetadata({
        baseUrl: config.baseUrl,
        scope: config.scope,
        institution,
        keys: keys.published('saml'),
        validUntil: new Date(step * stepMs + lifetimeMs),
      })
      const etag = `"${createHash('sha256').update(xml).digest('base64url').slice(0, 27)}"`
      made = { served: { xml: Buffer.from(xml), etag }, step }
    }
    return made.served
  }
}
