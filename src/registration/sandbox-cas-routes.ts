import express, { type Request, Router } from 'express'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import { loginQuery, readLogin, textOf } from '../cas/login-request.ts'
import { readArtifactRequest } from '../cas/saml1-request.ts'
import { saml1Failure, saml1Success } from '../cas/saml1-response.ts'
import { type Validated, ValidationFailure } from '../cas/validation.ts'
import { failureAnswer, proxyFailureAnswer, successAnswer } from '../cas/validation-answer.ts'
import { formatOf, maxSoapBytes, sendAnswer } from '../cas/validation-http.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'
import { networkLimit, takeOrRefuse, trialLimit } from './registration-limits.ts'
import { sandboxEnvironment } from './sandbox.ts'
import {
  type CasTrial,
  isAddressOf,
  sandboxFacts,
  sandboxTicket,
  validateSandboxTicket,
} from './sandbox-cas.ts'
import { type CasLoginPage, showCasLogin } from './sandbox-cas-page.ts'
import { noteEvent, requireOpenTrial, sandboxCasPath } from './sandbox-trial.ts'

/** Which text of the journal a refusal is, by the code that the service is told. */
const refusals: Readonly<Record<string, string>> = {
  INVALID_REQUEST: 'CAS_PARAMETER',
  INVALID_TICKET: 'CAS_TICKET',
  INVALID_SERVICE: 'CAS_TICKET_SERVICE',
  UNAUTHORIZED_SERVICE_PROXY: 'CAS_PROXY',
}

/**
 * A CAS server for each service that waits for approval, for the hour that its owner opens it. The
 * address of the whole server is the request's own, so the real one never answers about anybody who
 * does not exist, nor this one about anybody who does. The ticket leaves by a link on a page: nobody
 * approved these addresses yet, so nothing is redirected there.
 */
export function sandboxCasRoutes(
  context: AppContext,
  environment: AttributeEnvironment,
  limiter: Limiter,
): Router {
  const router = Router({ mergeParams: true })
  const ofSandbox = sandboxEnvironment(environment, context.config)
  const base = `${sandboxCasPath}/:name`
  const parseForm = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 })
  const readSoap = express.text({ type: () => true, limit: maxSoapBytes })

  router.get(`${base}/login`, async (req, res) => {
    const trial = await open(req, 'sandbox')
    const page = await answerLogin(req, trial)
    const { problem, service } = page
    await noteEvent(context, trial.reference, {
      isWrong: problem !== undefined,
      code: problem ?? 'CAS_LOGIN',
      detail: page.detail ?? `service=${String(service)}`,
    })
    showCasLogin(req, res, page)
  })

  // As at the real one: a form of another site leads to the same page.
  router.post(`${base}/login`, parseForm, (req, res) => {
    const name = encodeURIComponent(String(req.params.name))
    res.redirect(303, `${sandboxCasPath}/${name}/login?${loginQuery(req.body)}`)
  })

  router.get(`${base}/validate`, async (req, res) => {
    const trial = await open(req, 'sandboxCall')
    const outcome = await validate(req, trial, requested(req), { withAttributes: false })
    const isGood = !(outcome instanceof ValidationFailure)
    sendAnswer(res, {
      contentType: 'text/plain; charset=utf-8',
      body: isGood ? `yes\n${outcome.user}\n` : 'no\n',
    })
  })

  for (const [path, withAttributes] of [
    ['serviceValidate', false],
    ['proxyValidate', false],
    ['p3/serviceValidate', true],
    ['p3/proxyValidate', true],
  ] as const) {
    router.get(`${base}/${path}`, async (req, res) => {
      const trial = await open(req, 'sandboxCall')
      const format = formatOf(req)
      const outcome = await validate(req, trial, requested(req), { withAttributes })
      sendAnswer(
        res,
        outcome instanceof ValidationFailure
          ? failureAnswer(outcome, format)
          : successAnswer(outcome, { format, withAttributes }),
      )
    })
  }

  router.get(`${base}/proxy`, async (req, res) => {
    const { reference } = await open(req, 'sandboxCall')
    const message = 'the sandbox gives no proxy tickets'
    const failure = new ValidationFailure('UNAUTHORIZED_SERVICE_PROXY', message)
    await noteEvent(context, reference, { isWrong: true, code: 'CAS_PROXY', detail: message })
    sendAnswer(res, proxyFailureAnswer(failure, formatOf(req)))
  })

  router.post(`${base}/samlValidate`, readSoap, async (req, res) => {
    const trial = await open(req, 'sandboxCall')
    const service = textOf(req.query.TARGET)
    const request = typeof req.body === 'string' ? readArtifactRequest(req.body) : undefined
    const wanted = { service, ticket: request?.artifact }
    const outcome = await validate(req, trial, wanted, { withAttributes: true })
    const envelope = {
      issuer: ofSandbox.entityId,
      recipient: service ?? '',
      inResponseTo: request?.requestId ?? '',
      now: trial.now,
      clockSkewMs: context.config.clockSkewSeconds * 1000,
    }
    const body =
      outcome instanceof ValidationFailure
        ? saml1Failure(outcome, envelope)
        : saml1Success(outcome, envelope)
    sendAnswer(res, { contentType: 'text/xml; charset=utf-8', body })
  })

  router.get(`${base}/logout`, async (req, res) => {
    const trial = await open(req, 'sandbox')
    await noteEvent(context, trial.reference, { isWrong: false, code: 'CAS_LOGOUT' })
    showCasLogin(req, res, { trial, isLogout: true, parameters: req.query })
  })

  router.use(base, async (req) => {
    const { reference } = await open(req, 'sandboxCall')
    const detail = `${req.method} ${req.path}`
    await noteEvent(context, reference, { isWrong: true, code: 'CAS_ADDRESS', detail })
    throw new IdpError('NOT_FOUND', `the sandbox has nothing at "${req.path.slice(0, 200)}"`, {
      status: 404,
    })
  })

  return router

  async function open(req: Request, use: 'sandbox' | 'sandboxCall'): Promise<CasTrial> {
    if (use === 'sandboxCall') req.headers.accept = 'application/json'
    await takeOrRefuse(limiter, [networkLimit(use, req)])
    const { request, service } = await requireOpenTrial(context, String(req.params.name), 'cas')
    await takeOrRefuse(limiter, [trialLimit(request._id)])
    return { reference: request._id, service, environment: ofSandbox, now: context.now() }
  }

  /** Decides as the real sign-in would; the ticket is made, and leaves by the page. */
  async function answerLogin(req: Request, trial: CasTrial): Promise<CasLoginPage> {
    const parameters = req.query
    const wrong = (problem: string, detail: string, service?: string): CasLoginPage => ({
      trial,
      parameters,
      problem,
      detail,
      service,
    })
    let login: ReturnType<typeof readLogin>
    try {
      login = readLogin(parameters)
    } catch (error) {
      if (!(error instanceof IdpError)) throw error
      return wrong('CAS_METHOD', error.message)
    }
    if (!login) return wrong('CAS_SERVICE_MISSING', 'service is missing')
    const { service, method } = login
    if (!isAddressOf(trial.service, service)) {
      const expected = trial.service.pattern.text
      return wrong('CAS_SERVICE', `service=${service} | expected ${expected} or below`, service)
    }
    const { ticket, location } = await sandboxTicket(trial, service)
    audit(req, trial, sandboxFacts(trial).attributes)
    return {
      trial,
      parameters,
      service,
      leave:
        method === 'POST'
          ? { kind: 'post', action: service, fields: { ticket } }
          : { kind: 'redirect', location },
    }
  }

  /** Validates, and writes down for the owner what came of it. */
  async function validate(
    req: Request,
    trial: CasTrial,
    { service, ticket, pgtUrl }: { service?: string; ticket?: string; pgtUrl?: string },
    { withAttributes }: { readonly withAttributes: boolean },
  ): Promise<Validated | ValidationFailure> {
    const { reference } = trial
    const path = req.path.replace(/^.*\/(?=(p3\/)?\w+$)/, '')
    try {
      const validated = await validateSandboxTicket(trial, { service, ticket }, pgtUrl)
      const { names } = validated
      const isPoorer = !withAttributes && names.length > 0
      await noteEvent(context, reference, {
        isWrong: false,
        code: isPoorer ? 'CAS_VALIDATED_WITHOUT' : 'CAS_VALIDATED',
        detail: [path, ...(withAttributes ? names : [])].join(', '),
      })
      return validated
    } catch (error) {
      if (!(error instanceof ValidationFailure)) throw error
      const { code, message } = error
      await noteEvent(context, reference, {
        isWrong: true,
        code: refusals[code] ?? 'CAS_TICKET',
        detail: `${path}: ${code}: ${message}${service ? ` | service=${service}` : ''}`,
      })
      return error
    }
  }

  function audit(req: Request, trial: CasTrial, attributes: Validated['attributes']): void {
    context.audit.record({
      event: 'registration.sandbox',
      result: 'success',
      service: trial.service.pattern.text,
      ...requestOrigin(req),
      details: {
        reference: trial.reference,
        released: attributes.map(({ definition }) => definition.name),
      },
    })
  }
}

function requested({ query }: Request) {
  return {
    service: textOf(query.service),
    ticket: textOf(query.ticket),
    pgtUrl: textOf(query.pgtUrl),
  }
}
