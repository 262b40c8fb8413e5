import { gzipSync } from 'node:zlib'
import { type Request, type Response, Router } from 'express'
import type { AppContext } from '../../context.ts'
import {
  heldServices,
  type PublishedMetadata,
  type PublishedMetadataSource,
  sha1Of,
} from '../../federation/published-metadata.ts'
import { idpEntityId, metadataSigner } from '../metadata.ts'
import { type ServedMetadata, serveMetadata, validityStep } from '../metadata-cache.ts'
import { type MdqRequest, readMdqRequest } from './mdq-request.ts'
import { signPublishedMetadata } from './republished-metadata.ts'
import { SigningBudget } from './signing-budget.ts'

const contentType = 'application/samlmetadata+xml'
/** Signed answers that each worker keeps, longest unused out first. */
const maxKept = 500
/** A service that registers now is there within a minute. Seconds. */
const notFoundMaxAge = 60

/**
 * The Metadata Query Protocol for our own entity and, where the institution publishes them, for the
 * services that people sign in to: those registered here and those of federations' aggregates. Every
 * document carries our signature, so readers need to know one key. All of them in one document are
 * not given (a responder need not, draft-young-md-query 3.1.1): it would be a federation's size.
 *
 * draft-young-md-query and draft-young-md-query-saml.
 */
export function mdqRoutes(
  context: AppContext,
  own: () => Promise<ServedMetadata>,
  source: PublishedMetadataSource = heldServices,
): Router {
  const router = Router()
  const entityId = idpEntityId(context.config)
  const ownDigest = sha1Of(entityId)
  const publishes = context.institution.federation?.publishServices === true
  const kept = new Map<string, { stamp: string; served: ServedMetadata }>()
  const budget = new SigningBudget()
  context.keys.onChange(() => kept.clear())

  router.use('/mdq/entities', async (req, res) => {
    // Services wrote what is in these documents: no browser shall run anything of it.
    res.set('Content-Security-Policy', "default-src 'none'; sandbox")
    res.vary('Accept-Encoding')
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.set('Allow', 'GET, HEAD')
      return refuse(res, 405, 'only GET is answered here')
    }
    const asked = readMdqRequest(req.originalUrl.slice('/mdq/entities'.length).split('?')[0]!)
    if (asked.kind === 'malformed') return refuse(res, 400, asked.problem)
    if (!req.accepts(contentType)) return refuse(res, 406, `only ${contentType} is given here`)
    const served = await find(asked)
    if (served === 'busy') {
      res.set('Retry-After', '2')
      return refuse(res, 503, 'too many documents are asked for at once; try again')
    }
    if (served) return send(req, res, served)
    res.set('Cache-Control', `public, max-age=${notFoundMaxAge}`)
    refuse(res, 404, 'no such entity is known here; ask for one by its entityID')
  })
  return router

  async function find(asked: MdqRequest): Promise<ServedMetadata | 'busy' | undefined> {
    const isOwn =
      (asked.kind === 'entity' && asked.entityId === entityId) ||
      (asked.kind === 'sha1' && asked.digest === ownDigest)
    // All that is known here is one entity as long as services are not published.
    if (isOwn || (asked.kind === 'all' && !publishes)) return own()
    if (!publishes) return undefined
    const now = context.now()
    const published =
      asked.kind === 'entity'
        ? await source.byEntityId(asked.entityId, now)
        : asked.kind === 'sha1'
          ? await source.bySha1(asked.digest, now)
          : undefined
    return published && signed(published, now)
  }

  async function signed(published: PublishedMetadata, now: Date) {
    const { step, validUntil } = validityStep(now, context.config.metadataValidDays)
    const key = metadataSigner(context.keys.published('saml'))
    // The key too: it may change while the document is being signed.
    const stamp = `${step} ${published.version} ${key?.kid}`
    const known = kept.get(published.entityId)
    if (known?.stamp !== stamp && !budget.take(now)) return 'busy' as const
    const served =
      known?.stamp === stamp
        ? known.served
        : serveMetadata(await signPublishedMetadata(published, key, validUntil))
    // Put in anew, so that it is the last to go.
    kept.delete(published.entityId)
    kept.set(published.entityId, { stamp, served })
    if (kept.size > maxKept) kept.delete(kept.keys().next().value!)
    return served
  }
}

function send(req: Request, res: Response, { xml, etag }: ServedMetadata): void {
  const isZipped = req.acceptsEncodings('gzip', 'identity') === 'gzip'
  res.set({
    // Other bytes, another tag (RFC 9110, 8.8.3).
    ETag: isZipped ? etag.replace(/"$/, '-gzip"') : etag,
    'Cache-Control': 'public, max-age=3600',
    'Content-Type': contentType,
  })
  if (req.fresh) return void res.status(304).end()
  if (isZipped) res.set('Content-Encoding', 'gzip')
  const body = isZipped ? zipped(xml) : xml
  res.set('Content-Length', String(body.length))
  res.end(body)
}

/** By document: the same is asked for again and again. */
const zippedBodies = new WeakMap<Buffer, Buffer>()

function zipped(xml: Buffer): Buffer {
  let body = zippedBodies.get(xml)
  if (!body) {
    body = gzipSync(xml)
    zippedBodies.set(xml, body)
  }
  return body
}

function refuse(res: Response, status: number, problem: string): void {
  res.status(status).type('text/plain').send(`${problem}\n`)
}
