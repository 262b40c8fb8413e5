import express, { type Request, Router } from 'express'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { serviceId } from '../federation/service.ts'
import { isSet, textOf } from './login-request.ts'
import { assertMayProxy, grantProxying, issueProxyTicket } from './proxy.ts'
import { readArtifactRequest } from './saml1-request.ts'
import { type Saml1Envelope, saml1Failure, saml1Success } from './saml1-response.ts'
import {
  recordVisit,
  type Validated,
  ValidationFailure,
  type ValidationRequest,
  validateTicket,
} from './validation.ts'
import {
  failureAnswer,
  proxyAnswer,
  proxyFailureAnswer,
  successAnswer,
} from './validation-answer.ts'
import { formatOf, maxSoapBytes, sendAnswer } from './validation-http.ts'

/** Where services exchange tickets, server to server (CAS Protocol 2.4 to 2.9). Needs no session. */
export function validationRoutes(context: AppContext, environment: AttributeEnvironment): Router {
  const router = Router()
  const readSoap = express.text({ type: () => true, limit: maxSoapBytes })

  router.get('/cas/validate', async (req, res) => {
    try {
      const { user } = await validate(req, requested(req, false))
      sendAnswer(res, { contentType: 'text/plain; charset=utf-8', body: `yes\n${user}\n` })
    } catch (error) {
      if (!(error instanceof ValidationFailure)) throw error
      sendAnswer(res, { contentType: 'text/plain; charset=utf-8', body: 'no\n' })
    }
  })

  for (const [path, withAttributes, takesProxies] of [
    ['/cas/serviceValidate', false, false],
    ['/cas/proxyValidate', false, true],
    ['/cas/p3/serviceValidate', true, false],
    ['/cas/p3/proxyValidate', true, true],
  ] as const) {
    router.get(path, async (req, res) => {
      const format = formatOf(req)
      try {
        const pgtUrl = textOf(req.query.pgtUrl)
        const validated = await validate(req, requested(req, takesProxies), pgtUrl)
        const iou =
          pgtUrl === undefined ? undefined : await grantProxying(context, pgtUrl, validated)
        sendAnswer(
          res,
          successAnswer(validated, { format, withAttributes, proxyGrantingTicketIou: iou }),
        )
      } catch (error) {
        if (!(error instanceof ValidationFailure)) throw error
        sendAnswer(res, failureAnswer(error, format))
      }
    })
  }

  router.get('/cas/proxy', async (req, res) => {
    const format = formatOf(req)
    try {
      const ticket = await issueProxyTicket(context, environment, {
        pgt: textOf(req.query.pgt),
        targetService: textOf(req.query.targetService),
      })
      sendAnswer(res, proxyAnswer(ticket, format))
    } catch (error) {
      if (!(error instanceof ValidationFailure)) throw error
      sendAnswer(res, proxyFailureAnswer(error, format))
    }
  })

  router.post('/cas/samlValidate', readSoap, async (req, res) => {
    const target = textOf(req.query.TARGET)
    const request = typeof req.body === 'string' ? readArtifactRequest(req.body) : undefined
    const envelope: Saml1Envelope = {
      issuer: environment.entityId,
      recipient: target ?? '',
      inResponseTo: request?.requestId ?? '',
      now: context.now(),
      clockSkewMs: context.config.clockSkewSeconds * 1000,
    }
    let body: string
    try {
      const validated = await validate(req, {
        service: target,
        ticket: request?.artifact,
        renew: isSet(req.query.renew),
        takesProxies: false,
      })
      body = saml1Success(validated, envelope)
    } catch (error) {
      if (!(error instanceof ValidationFailure)) throw error
      body = saml1Failure(error, envelope)
    }
    sendAnswer(res, { contentType: 'text/xml; charset=utf-8', body })
  })

  return router

  /** Validates, and writes down what came of it. */
  async function validate(
    req: Request,
    request: ValidationRequest,
    pgtUrl?: string,
  ): Promise<Validated> {
    let validated: Validated
    try {
      validated = await validateTicket(context, environment, request)
      if (pgtUrl !== undefined) await assertMayProxy(pgtUrl, validated)
    } catch (error) {
      if (error instanceof ValidationFailure) {
        // Not in the audit log, which strangers could fill: they need no ticket to ask.
        const { code: reason, message } = error
        context.log.info({ reason, message, path: req.path }, 'a CAS ticket was not validated')
      }
      throw error
    }
    await recordVisit(context, request.ticket!, validated)
    const { record, service, names, username } = validated
    context.audit.record({
      event: 'cas.validate',
      result: 'success',
      personId: record.session.personId,
      username,
      service: serviceId(service),
      sessionId: record.session.id,
      ...requestOrigin(req),
      details: {
        acr: record.session.acr,
        ticket: record.kind,
        attributes: names,
        ...(record.proxies.length > 0 && { proxies: record.proxies }),
      },
    })
    return validated
  }
}

function requested(req: Request, takesProxies: boolean): ValidationRequest {
  return {
    service: textOf(req.query.service),
    ticket: textOf(req.query.ticket),
    renew: isSet(req.query.renew),
    takesProxies,
  }
}
