import { Router } from 'express'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { renderPostForm } from '../web/post-form.ts'
import { networkLimit, takeOrRefuse } from './registration-limits.ts'
import { readRequest } from './request-reading.ts'
import { findByStateToken } from './request-store.ts'
import { sandboxEnvironment, sandboxMetadata, sandboxResponse } from './sandbox.ts'
import { sandboxKey } from './sandbox-key.ts'

const dayMs = 24 * 3_600_000
const validDays = 7

/**
 * A login with a person who does not exist, before the request is decided: by a button on the
 * request's page, so only for who has its link. Issuer, key and scope are the sandbox's own, because
 * a service that runs already must not take the answer for one of ours.
 */
export function sandboxRoutes(
  context: AppContext,
  environment: AttributeEnvironment,
  limiter: Limiter,
): Router {
  const router = Router()
  const { config, now, audit } = context
  const ofSandbox = sandboxEnvironment(environment, config)

  router.get('/federation/sandbox/metadata', async (_req, res) => {
    const key = await sandboxKey(context)
    // In whole days, so that it stays the same for one.
    const validUntil = new Date((Math.floor(now().getTime() / dayMs) + validDays) * dayMs)
    res.setHeader('Content-Type', 'application/samlmetadata+xml')
    res.setHeader('Cache-Control', 'public, max-age=3600')
    res.end(await sandboxMetadata(config, key, validUntil))
  })

  router.get('/federation/sandbox/sso', () => {
    const message = 'a test login begins on the request’s page, not at the service'
    throw new IdpError('REGISTRATION_SANDBOX_UNSOLICITED', message)
  })

  router.post('/federation/sandbox/login', requireLoginCsrf, async (req, res) => {
    await takeOrRefuse(limiter, [networkLimit('sandbox', req)])
    const request = await findByStateToken(context, req.body?.token)
    const { wanted } = await readRequest(request)
    if (request.state !== 'waiting' || wanted.protocol !== 'saml') {
      throw new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${request._id} is ${request.state}`, {
        status: 409,
      })
    }
    const { destination, xml, released } = await sandboxResponse(
      wanted,
      ofSandbox,
      await sandboxKey(context),
      { now: now(), clockSkewMs: config.clockSkewSeconds * 1000 },
    )
    audit.record({
      event: 'registration.sandbox',
      result: 'success',
      service: request.serviceId,
      ...requestOrigin(req),
      details: { reference: request._id, released },
    })
    renderPostForm(req, res, {
      action: destination,
      fields: { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: undefined },
    })
  })

  return router
}
