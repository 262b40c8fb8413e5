import type { Request, RequestHandler, Response } from 'express'
import type { AppContext } from '../context.ts'
import { sha1Of } from '../federation/published-metadata.ts'
import type { KeyUse } from '../keys/signing-key.ts'
import { readMdqRequest } from '../saml/mdq/mdq-request.ts'
import { idpEntityId } from '../saml/metadata.ts'
import { openFetchRecorder } from './fetch-recorder.ts'
import type { FetchWay } from './metadata-fetch-model.ts'

const mdqPath = '/mdq/entities'

/**
 * Writes down who fetches our metadata and JWKS, for the rehearsal of a key's promotion. Mount it
 * before the routes that serve them; it answers nothing itself and nobody waits for it.
 */
export function watchMetadataFetches(context: AppContext): RequestHandler {
  const recorder = openFetchRecorder(context)
  const entityId = idpEntityId(context.config)
  const ownDigest = sha1Of(entityId)

  return (req, res, next) => {
    const way = wayOf(req)
    if (way !== undefined) {
      // As they are now: a document that is made a moment later can only have more.
      const kids = kidsFor(way)
      res.once('finish', () => {
        // 304: what it has is what would have been served.
        if (res.statusCode !== 200 && res.statusCode !== 304) return
        const clientId = way === 'token' ? clientOf(res) : undefined
        if (way === 'token' && clientId === undefined) return
        const { ip: address = '' } = req
        void recorder.note({ address, userAgent: req.get('user-agent'), way, clientId, kids })
      })
    }
    next()
  }

  function wayOf({ method, path }: Request): FetchWay | undefined {
    if (method === 'POST') return path === '/oidc/token' ? 'token' : undefined
    if (method !== 'GET') return undefined
    if (path === '/saml/metadata') return 'metadata'
    if (path === '/oidc/jwks') return 'jwks'
    return path.startsWith(mdqPath) && isOwnEntity(path) ? 'mdq' : undefined
  }

  function isOwnEntity(path: string): boolean {
    const asked = readMdqRequest(path.slice(mdqPath.length))
    return (
      (asked.kind === 'entity' && asked.entityId === entityId) ||
      (asked.kind === 'sha1' && asked.digest === ownDigest) ||
      // Without published services "all" is ourselves alone.
      (asked.kind === 'all' && context.institution.federation?.publishServices !== true)
    )
  }

  function kidsFor(way: FetchWay): string[] {
    if (way === 'token') return []
    const use: KeyUse = way === 'jwks' ? 'oidc' : 'saml'
    return context.keys.published(use).map(({ kid }) => kid)
  }
}

/** The client that proved itself; the OpenID Connect room leaves it on the answer. */
function clientOf(res: Response): string | undefined {
  const { clientId } = res.locals as { clientId?: unknown }
  return typeof clientId === 'string' ? clientId : undefined
}
