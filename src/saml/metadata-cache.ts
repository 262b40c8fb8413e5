import { createHash } from 'node:crypto'
import { publishedAliases } from '../aliases/path-aliases.ts'
import type { AppContext } from '../context.ts'
import { buildMetadata } from './metadata.ts'

export interface ServedMetadata {
  readonly xml: Buffer
  readonly etag: string
}

/** validUntil moves in steps of half the lifetime, so that every worker signs the same document. */
export function validityStep(now: Date, validDays: number): { step: number; validUntil: Date } {
  const lifetimeMs = validDays * 86_400_000
  const stepMs = lifetimeMs / 2
  const step = Math.floor(now.getTime() / stepMs)
  return { step, validUntil: new Date(step * stepMs + lifetimeMs) }
}

/** A document with the tag that says which it is. */
export function serveMetadata(xml: string): ServedMetadata {
  const etag = `"${createHash('sha256').update(xml).digest('base64url').slice(0, 27)}"`
  return { xml: Buffer.from(xml), etag }
}

/**
 * Keeps our signed metadata; makes it anew when the keys changed or half of its life is over.
 *
 * @returns a function that gives the metadata for now
 */
export function metadataCache(
  context: Pick<AppContext, 'config' | 'institution' | 'keys' | 'now'>,
): () => Promise<ServedMetadata> {
  const { config, institution, keys } = context
  let made: { served: Promise<ServedMetadata>; step: number } | undefined
  keys.onChange(() => {
    made = undefined
  })
  return () => {
    const { step, validUntil } = validityStep(context.now(), config.metadataValidDays)
    if (made?.step !== step) {
      const making = {
        step,
        served: buildMetadata({
          entityId: config.samlEntityId,
          baseUrl: config.baseUrl,
          aliases: publishedAliases(config),
          scope: config.scope,
          institution,
          keys: keys.published('saml'),
          encryptionKeys: keys.published('saml-encryption'),
          validUntil,
        }).then(serveMetadata),
      }
      made = making
      // A key signer that was away must not leave its failure behind.
      making.served.catch(() => {
        if (made === making) made = undefined
      })
    }
    return made.served
  }
}
