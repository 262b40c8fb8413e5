import express, { type Request, type Response, Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { carriedDecision, consentUrl } from '../consent/consent-flow.ts'
import type { AppContext } from '../context.ts'
import { serviceId } from '../federation/service.ts'
import { summarizeService } from '../federation/service-summary.ts'
import { currentSession } from '../sso/current-session.ts'
import { loginUrl, openServiceFlow, sealFlow } from '../sso/login-flow.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { assertReachable } from './authn-method.ts'
import { type CasLogin, loginQuery, readLogin } from './login-request.ts'
import { logoutRoutes } from './logout-routes.ts'
import { registeredService } from './service-address.ts'
import { answerFromSession, type PendingLogin } from './sign-on-answer.ts'
import { validationRoutes } from './validation-routes.ts'

const loginPath = '/cas/login'
const resumePath = '/cas/login/resume'

/** CAS Protocol 3.0: sign-in, validation of tickets, proxy tickets, logout. */
export function casRoutes(context: AppContext): Router {
  const router = Router()
  const environment = attributeEnvironment(context)
  // No CSRF token: the form is a service's, and it only says what a link could say.
  const parseForm = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 })

  router.get(loginPath, async (req, res) => {
    const login = readLogin(req.query)
    if (!login) return res.redirect(303, currentSession(context, req) ? '/' : '/login')
    const service = await registeredService(login.service)
    if (login.authnMethod !== undefined && !login.gateway) assertReachable(login.authnMethod)
    // A moment later than any sign-in that is there already.
    const issuedAt = context.now().getTime() + 1
    await answer(req, res, { service, login, issuedAt })
  })

  // From another site a form comes without our SameSite=Lax cookie; a GET brings it.
  router.post(loginPath, parseForm, (req, res) => {
    res.redirect(303, `${loginPath}?${loginQuery(req.body)}`)
  })

  router.get(resumePath, async (req, res) => {
    const flow = openServiceFlow(context, req.query.flow, resumePath)
    const login = flow.state as CasLogin
    // The registration may have changed while the person typed.
    const service = await registeredService(login.service)
    const pending = {
      service,
      login,
      issuedAt: login.askedAt ?? flow.issuedAt,
      decision: (session: SsoSession) => carriedDecision(flow, session),
    }
    await answer(req, res, pending, String(req.query.flow))
  })

  router.use(validationRoutes(context, environment))
  router.use(logoutRoutes(context, parseForm))
  return router

  /** @param token the sealed flow, when there is one already */
  async function answer(
    req: Request,
    res: Response,
    pending: PendingLogin,
    token?: string,
  ): Promise<void> {
    const outcome = await answerFromSession(context, environment, req, res, pending)
    const { service, login, issuedAt } = pending
    switch (outcome.kind) {
      case 'answered':
        return
      case 'sign-in':
        return res.redirect(303, loginUrl(token ?? seal(pending)))
      case 'consent': {
        const next = { ...nextStep(login), state: { ...login, askedAt: issuedAt } }
        return res.redirect(303, consentUrl(context, { ...outcome.question, next }))
      }
      case 'refused':
        return renderPage(req, res, 'cas/refused', {
          service: { ...summarizeService(service, languageOf(req)), url: undefined },
        })
    }
  }

  function seal({ service, login }: PendingLogin): string {
    return sealFlow(context, {
      ...nextStep(login),
      service: { protocol: 'cas', id: serviceId(service) },
    })
  }
}

function nextStep(login: CasLogin) {
  return {
    resume: resumePath,
    state: login,
    forceAuthn: login.renew,
    // The form of the sign-in page ends there, and Chromium holds it to that.
    ...(login.method === 'GET' && { redirectsTo: login.service }),
  }
}
