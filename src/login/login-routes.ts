import { type Request, type Response, Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { describeService } from '../federation/describe-service.ts'
import { currentSession } from '../sso/current-session.ts'
import { type LoginFlow, openFlow, resumeUrl } from '../sso/login-flow.ts'
import { startSession } from '../sso/sessions.ts'
import { loadSubject } from '../sso/subject.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { cspFormAction } from '../web/security-headers.ts'
import { rememberDevice } from './known-device.ts'
import { signIn } from './sign-in.ts'
import { loginThrottle } from './throttle.ts'

/** What a password over TLS proves (SAML AuthnContext 3.4.3; RFC 8176). */
export const passwordMethod = {
  amr: ['pwd'],
  acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
} as const

/** Longest username that is looked at; longer ones are nobody's. Characters. */
const maxUsernameLength = 256

export function loginRoutes(context: AppContext): Router {
  const router = Router()
  const throttle = loginThrottle(context)

  router.get('/login', async (req, res) => {
    const flow = flowOf(context, req)
    const session = currentSession(context, req)
    if (session && !flow?.forceAuthn && (await loadSubject(context, req, session))) {
      res.redirect(303, target(flow, req.query.flow))
      return
    }
    await showLogin(req, res, { flow, token: req.query.flow, username: flow?.username ?? '' })
  })

  router.post('/login', requireLoginCsrf, async (req, res) => {
    const token = req.body.flow || undefined
    const flow = token === undefined ? undefined : openFlow(context, token)
    const username = textOf(req.body.username).trim()
    const password = textOf(req.body.password)
    const errors: Record<string, string> = {}
    if (username === '') errors.username = 'login.error.usernameMissing'
    if (password === '') errors.password = 'login.error.passwordMissing'
    if (Object.keys(errors).length > 0) {
      return showLogin(req, res, { flow, token, username, errors }, 422)
    }
    const result =
      username.length > maxUsernameLength
        ? ({ outcome: 'refused' } as const)
        : await signIn(context, throttle, req, { username, password })
    switch (result.outcome) {
      case 'throttled':
        res.set('Retry-After', String(result.minutes * 60))
        return showLogin(req, res, { flow, token, username, throttledMinutes: result.minutes }, 429)
      case 'refused':
        return showLogin(
          req,
          res,
          { flow, token, username, errors: { username: 'login.error.refused' } },
          401,
        )
      case 'standing':
        return renderPage(
          req,
          res,
          'login/standing',
          {
            standing: result.standing,
            username: result.account.username,
            flow: token ?? '',
            service: await serviceOf(req, flow),
          },
          403,
        )
      case 'success': {
        const session = await startSession(context, req, result.account, passwordMethod)
        rememberDevice(context, res, result.account)
        context.audit.record({
          event: 'login',
          result: 'success',
          personId: session.personId,
          username: session.username,
          service: flow?.service?.id,
          sessionId: session.id,
          ...requestOrigin(req),
          details: { amr: [...session.amr], acr: session.acr },
        })
        res.redirect(303, target(flow, token))
        context.academicIds.noteSignIn(result.account)
      }
    }
  })

  return router

  async function showLogin(
    req: Request,
    res: Response,
    page: {
      flow?: LoginFlow
      token?: unknown
      username: string
      errors?: Record<string, string>
      throttledMinutes?: number
    },
    status = 200,
  ) {
    const { flow, token, ...rest } = page
    if (flow?.redirectsTo) cspFormAction(res, flow.redirectsTo)
    renderPage(
      req,
      res,
      'login/login',
      {
        errors: {},
        ...rest,
        flow: token ?? '',
        service: await serviceOf(req, flow),
        // A page of ours that wants a fresh proof: who is signed in would wonder why.
        isAgain: flow?.forceAuthn === true && flow.service === undefined,
      },
      status,
    )
  }
}

/** The flow that the address names; none is fine: the person came by themselves. */
function flowOf(context: AppContext, req: Request): LoginFlow | undefined {
  return req.query.flow === undefined ? undefined : openFlow(context, req.query.flow)
}

function target(flow: LoginFlow | undefined, token: unknown): string {
  return flow ? resumeUrl(flow, token as string) : '/'
}

async function serviceOf(req: Request, flow: LoginFlow | undefined) {
  return flow?.service ? describeService(flow.service, languageOf(req)) : undefined
}

/** Form fields arrive as text, a list or nothing; only a text counts. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
