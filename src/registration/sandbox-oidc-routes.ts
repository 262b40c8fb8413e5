import { type Request, Router } from 'express'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { networkLimit, takeOrRefuse, trialLimit } from './registration-limits.ts'
import { requestPath } from './request-flow.ts'
import { findByStateToken } from './request-store.ts'
import { sandboxEnvironment } from './sandbox.ts'
import { type AuthorizationPage, claimsToGo, showAuthorization } from './sandbox-login-page.ts'
import { sandboxJwks } from './sandbox-oidc-keys.ts'
import { type ProviderError, problemDetail, problemOf } from './sandbox-problem.ts'
import { createSandboxProvider } from './sandbox-provider.ts'
import {
  noteEvent,
  openTrial,
  requireOpenTrial,
  sandboxClient,
  sandboxOidcPath,
} from './sandbox-trial.ts'
import type { SandboxEvent } from './sandbox-trial-model.ts'

type Noted = Omit<SandboxEvent, 'at'>

/** Texts by route of the library, of what went well. */
const answered: Readonly<Record<string, string>> = {
  discovery: 'DISCOVERY',
  jwks: 'JWKS',
  token: 'TOKEN',
  userinfo: 'USERINFO',
  pushed_authorization_request: 'PUSHED',
}

/**
 * An OpenID provider for each client that waits for approval, for the hour that its owner opens it.
 * An authorization request leads to a page that says what is right or wrong with it, and its answer
 * leaves by a link on that page: nobody approved these addresses yet, so nothing is redirected there
 * (RFC 9700 4.11.2).
 */
export function sandboxOidcRoutes(
  context: AppContext,
  environment: AttributeEnvironment,
  limiter: Limiter,
): Router {
  const router = Router()
  const { config, audit } = context
  const ofSandbox = sandboxEnvironment(environment, config)

  router.post('/federation/sandbox/open', requireLoginCsrf, async (req, res) => {
    await takeOrRefuse(limiter, [networkLimit('sandbox', req)])
    const request = await findByStateToken(context, req.body?.token)
    if (request.state !== 'waiting' || request.protocol === 'saml') {
      throw new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${request._id} is ${request.state}`, {
        status: 409,
      })
    }
    await openTrial(context, request)
    audit.record({
      event: 'registration.sandbox.open',
      result: 'success',
      service: request.serviceId,
      ...requestOrigin(req),
      details: { reference: request._id },
    })
    res.redirect(303, `${requestPath}?token=${encodeURIComponent(String(req.body.token))}#trial`)
  })

  router.use(`${sandboxOidcPath}/:name`, async (req, res) => {
    const isPage = req.path === '/auth'
    if (!isPage) req.headers.accept = 'application/json'
    await takeOrRefuse(limiter, [networkLimit(isPage ? 'sandbox' : 'sandboxCall', req)])
    const name = String(req.params.name)
    const { request, service: client } = await requireOpenTrial(context, name, 'oidc')
    const { _id: reference } = request
    await takeOrRefuse(limiter, [trialLimit(reference)])

    const noted: Noted[] = []
    let page: AuthorizationPage | undefined
    let problem: ProviderError | undefined
    let fault: { readonly error: unknown } | undefined
    const provider = createSandboxProvider(context, {
      reference,
      client,
      credentials: sandboxClient(context, request),
      jwks: await sandboxJwks(context),
      environment: ofSandbox,
      onOutcome: (ctx, outcome) => {
        const received = receivedBy(ctx)
        page = { client, environment: ofSandbox, now: context.now(), received, outcome, problem }
        if (problem) return
        const { redirect_uri: redirectUri, scope, code_challenge: challenge } = received
        noted.push({
          isWrong: false,
          code: challenge === undefined ? 'AUTHORIZATION_WITHOUT_PKCE' : 'AUTHORIZATION',
          detail: `redirect_uri=${String(redirectUri)} scope=${String(scope)}`,
        })
        recordReleased(req, request, claimsToGo(page))
      },
      onError: (ctx, error) => {
        problem = error
        if (error.error === undefined) {
          context.log.error({ err: error, reference }, 'a request to the sandbox failed')
        }
        const detail = problemDetail(error, receivedBy(ctx))
        noted.push({ isWrong: true, code: problemOf(ctx.oidc.route, error), detail })
      },
      onAnswer: (ctx) => {
        const code = answered[ctx.oidc.route]
        if (code) noted.push({ isWrong: false, code, detail: answerDetail(ctx) })
      },
      onUnknownPath: (path) => {
        noted.push({ isWrong: true, code: 'UNKNOWN_ADDRESS', detail: path })
      },
      onFault: (error) => {
        fault = { error }
      },
      onDone: async () => {
        for (const event of noted) await noteEvent(context, reference, event)
      },
    })
    await provider.callback()(req, res)
    if (fault) throw fault.error
    if (page) showAuthorization(req, res, page)
  })

  return router

  function recordReleased(
    req: Request,
    { _id: reference, serviceId }: { readonly _id: string; readonly serviceId: string },
    released: readonly string[],
  ): void {
    audit.record({
      event: 'registration.sandbox',
      result: 'success',
      service: serviceId,
      ...requestOrigin(req),
      details: { reference, released },
    })
  }
}

/** The parameters as they came, also where the library stopped before it had read them. */
function receivedBy(ctx: KoaContextWithOIDC): Readonly<Record<string, unknown>> {
  const { params, body } = ctx.oidc as { params?: object; body?: object }
  return { ...ctx.query, ...body, ...params } as Record<string, unknown>
}

/** How the client proved itself, or which claims went: names only. */
function answerDetail(ctx: KoaContextWithOIDC): string | undefined {
  const { route, client, params } = ctx.oidc
  if (route === 'userinfo') {
    const { body } = ctx
    return typeof body === 'object' && body !== null ? Object.keys(body).join(', ') : undefined
  }
  if (route !== 'token' && route !== 'pushed_authorization_request') return undefined
  const grant = params?.grant_type
  return [typeof grant === 'string' ? grant : undefined, client?.clientAuthMethod]
    .filter(Boolean)
    .join(', ')
}
