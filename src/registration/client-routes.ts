import { type Request, type Response, Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { removeService } from '../federation/registration.ts'
import type { ServiceRecord } from '../federation/service-model.ts'
import type { Limiter } from '../limits/limiter.ts'
import { describeFindings } from './check-answer.ts'
import { type CheckContext, checkRegistration } from './check-registration.ts'
import { clientOfToken, clientUri, forgetClientToken, isSecretOf } from './client-credentials.ts'
import { clientRegistrationError, isUnreadableBody, refuseClient } from './client-errors.ts'
import { mailLimits, networkLimit, takeOrRefuse } from './registration-limits.ts'
import { beginProvenUpdate, isGoodCheck, requestPath } from './request-flow.ts'
import { wordsFor } from './request-words.ts'
import { readJsonBody } from './submission.ts'

/** What an answer of ours has beside the metadata: sent back in a change it is not part of it. */
const ours = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
  'client_secret',
]

/**
 * A client that came by itself reads, changes and removes its registration by its registration
 * access token (RFC 7592). Other than there a change answers 202: it waits for an administrator,
 * and what is registered stays as it is until then. The secret is never given here.
 */
export function clientRoutes(
  context: AppContext,
  checkContext: CheckContext,
  limiter: Limiter,
): Router {
  const router = Router()
  const path = '/federation/clients/:clientId'

  router.get(path, async (req, res) => {
    const record = await authorize(req, res)
    if (!record) return
    res.json(describe(record))
  })

  router.put(path, async (req, res) => {
    const record = await authorize(req, res)
    if (!record) return
    let body: Record<string, unknown>
    try {
      body = await readJsonBody(req, res)
    } catch (error) {
      if (!isUnreadableBody(error)) throw error
      return refuseClient(res, `the body must be one JSON object: ${error.message}`)
    }
    if (body.client_id !== record.serviceId) {
      return refuseClient(res, `client_id must be ${record.serviceId}, that of the registration`)
    }
    // RFC 7592 section 2.2: the present one may be there, another one must not be.
    if (body.client_secret !== undefined && !isSecretOf(record, body.client_secret)) {
      return refuseClient(
        res,
        'client_secret is not the one in use; leave it out, a new one is made on the page of the request',
      )
    }
    const wanted = Object.fromEntries(Object.entries(body).filter(([name]) => !ours.includes(name)))
    const check = await checkRegistration(JSON.stringify(wanted), checkContext)
    if (!isGoodCheck(check)) {
      return void res.status(400).json({
        ...clientRegistrationError(req, check.findings),
        findings: describeFindings(check.findings, wordsFor(req).t),
      })
    }
    await takeOrRefuse(limiter, mailLimits(check.contact, record.serviceId, req))
    const { request, stateToken } = await beginProvenUpdate(context, check)
    res.status(202).json({
      ...describe(record),
      registration_request: {
        reference: request._id,
        state: request.state,
        url: `${context.config.baseUrl}${requestPath}?token=${stateToken}`,
      },
    })
  })

  router.delete(path, async (req, res) => {
    const record = await authorize(req, res)
    if (!record) return
    const { serviceId } = record
    await removeService(serviceId, 'oidc')
    await forgetClientToken(serviceId)
    context.audit.record({
      event: 'service.remove',
      result: 'success',
      service: serviceId,
      ...requestOrigin(req),
    })
    res.status(204).end()
  })

  return router

  /** @returns undefined when the refusal has been sent */
  async function authorize(req: Request, res: Response): Promise<ServiceRecord | undefined> {
    req.headers.accept = 'application/json'
    res.setHeader('Cache-Control', 'no-store')
    await takeOrRefuse(limiter, [networkLimit('manage', req)])
    const [, token = ''] = /^Bearer ([\w-]{22})$/i.exec(req.headers.authorization ?? '') ?? []
    // RFC 6750 section 3, for the refusal.
    res.setHeader('WWW-Authenticate', 'Bearer')
    try {
      const record = await clientOfToken(context, String(req.params.clientId), token)
      res.removeHeader('WWW-Authenticate')
      return record
    } catch (error) {
      if (!(error instanceof IdpError) || error.status !== 401) throw error
      // A client that showed nothing is told nothing of errors (RFC 6750 section 3.1).
      if (req.headers.authorization === undefined) {
        res.status(401).end()
        return undefined
      }
      res.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"')
      res.status(401).json({
        error: 'invalid_token',
        error_description:
          'the registration access token is not the one of this client, or was replaced',
      })
      return undefined
    }
  }

  function describe(record: ServiceRecord) {
    return {
      ...(JSON.parse(record.metadata) as object),
      client_id_issued_at: Math.floor(record.registeredAt.getTime() / 1000),
      registration_client_uri: clientUri(context, record.serviceId),
    }
  }
}
