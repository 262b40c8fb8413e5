import { type Request, type Response, Router } from 'express'
import { describeRelease } from '../account/service-release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { serviceName } from '../federation/service.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formatMoment } from '../web/date-time.ts'
import { renderPage } from '../web/render.ts'
import { issueCredentials, mayGetCredentials } from './client-credentials.ts'
import { differenceOf } from './registration-difference.ts'
import { confirmPath, confirmRequest, requestPath, withdrawRequest } from './request-flow.ts'
import type { RegistrationRequest } from './request-model.ts'
import { hostOf, readRequest } from './request-reading.ts'
import { findByLink, findByStateToken } from './request-store.ts'
import { wordsFor } from './request-words.ts'
import { describeTrial } from './sandbox-trial-words.ts'
import { syntheticAccount, syntheticPerson } from './synthetic-person.ts'

/**
 * What the links in the mails open. The link alone says who it is; a button does what it is for,
 * because mail programs open links by themselves.
 */
export function stateRoutes(context: AppContext, environment: AttributeEnvironment): Router {
  const router = Router()

  router.get(confirmPath, async (req, res) => {
    const request = await findByLink(context, req.query.token)
    renderPage(req, res, 'registration/confirm', {
      token: req.query.token,
      ...(await describe(req, request)),
    })
  })

  router.post(confirmPath, requireLoginCsrf, async (req, res) => {
    const { stateToken } = await confirmRequest(context, req.body?.token)
    res.redirect(303, `${requestPath}?token=${stateToken}`)
  })

  router.get(requestPath, async (req, res) => {
    const request = await findByStateToken(context, req.query.token)
    const facts = await describe(req, request)
    if (req.accepts(['html', 'json']) === 'json') return answerSoftware(res, request, facts)
    renderPage(req, res, 'registration/request', {
      token: req.query.token,
      ...facts,
      trial: await describeTrial(context, request, wordsFor(req)),
      release: await releaseOf(req, request),
    })
  })

  router.post(`${requestPath}/withdraw`, requireLoginCsrf, async (req, res) => {
    await withdrawRequest(context, await findByStateToken(context, req.body?.token))
    res.redirect(303, `${requestPath}?token=${encodeURIComponent(String(req.body.token))}`)
  })

  // Shown once, so not after a redirect: reloading asks the browser's user first.
  router.post(`${requestPath}/credentials`, requireLoginCsrf, async (req, res) => {
    const request = await findByStateToken(context, req.body?.token)
    const credentials = await issueCredentials(context, request)
    context.audit.record({
      event: 'client.credentials',
      result: 'success',
      service: request.serviceId,
      ...requestOrigin(req),
      details: { reference: request._id },
    })
    renderPage(req, res, 'registration/credentials', { token: req.body.token, credentials })
  })

  return router

  async function describe(req: Request, request: RegistrationRequest) {
    const { language, t } = wordsFor(req)
    const { wanted, running, runningRecord } = await readRequest(request)
    const { _id: reference, kind, state, protocol, serviceId: id, reasons } = request
    const moment = (date: Date | undefined) => date && formatMoment(date, language)
    return {
      reference,
      kind,
      state,
      protocol,
      id,
      name: serviceName(wanted, language),
      host: hostOf(wanted),
      createdAt: moment(request.createdAt),
      confirmedAt: moment(request.confirmedAt),
      decidedAt: moment(request.decidedAt),
      decisionReason: request.decisionReason,
      // Once it runs there is nothing left to compare with.
      differences: kind === 'update' && state !== 'approved' ? differenceOf(running, wanted) : [],
      reasons: Object.entries(reasons).map(([name, text]) => ({
        label: t(`attribute.${name}`),
        text,
      })),
      mayGetCredentials: mayGetCredentials(request, runningRecord),
    }
  }

  async function releaseOf(req: Request, request: RegistrationRequest) {
    const { wanted } = await readRequest(request)
    const visit = { account: syntheticAccount, person: syntheticPerson, ...wordsFor(req) }
    return describeRelease(wanted, visit, environment, context.now())
  }

  function answerSoftware(
    res: Response,
    request: RegistrationRequest,
    facts: Awaited<ReturnType<typeof describe>>,
  ): void {
    const { reference, kind, state, protocol, id, differences, decisionReason } = facts
    res.setHeader('Cache-Control', 'no-store')
    res.json({
      reference,
      kind,
      state,
      protocol,
      id,
      createdAt: request.createdAt.toISOString(),
      confirmedAt: request.confirmedAt?.toISOString(),
      decidedAt: request.decidedAt?.toISOString(),
      decisionReason,
      differences,
    })
  }
}
