import type { IncomingMessage } from 'node:http'
import express, { type NextFunction, type Request, type Response, Router } from 'express'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { recordService, sessionIndexFor } from '../sso/sessions.ts'
import { startLogout } from '../sso/start-logout.ts'
import { resolveInteraction } from './interaction.ts'
import { hintNamesSession, returnAddress } from './logout-hint.ts'
import { type Answer, logoutPassThrough } from './logout-pages.ts'
import { oauth2Routes, wantsProfile } from './oauth2-routes.ts'
import { auditFailures, auditSuccess } from './oidc-audit.ts'
import { profileOf } from './profile.ts'
import { type AnswerSlots, createProvider } from './provider.ts'
import { activeSession } from './session-binding.ts'

/**
 * OpenID Connect: `/.well-known/openid-configuration` and everything under `/oidc/`. Mount at the
 * root, after the session and before any body parser: oidc-provider reads bodies itself.
 */
export function oidcRoutes(context: AppContext): Router {
  const held = new WeakMap<IncomingMessage, { answer?: Answer; error?: unknown }>()
  const environment = attributeEnvironment(context)
  const slots: AnswerSlots = {
    answer: (request, answer) => held.set(request, { answer }),
    fail: (request, error) => held.set(request, { error }),
  }
  const build = () => withSession(createProvider(context, environment, slots), context, slots)
  let provider = build()
  let handle = provider.callback()
  context.keys.onChange(() => {
    provider = build()
    handle = provider.callback()
  })

  const serve = async (request: Request, response: Response, next: NextFunction) => {
    await handle(request, response)
    const outcome = held.get(request)
    if (!outcome) return
    // What the library said of an answer that is not sent must go: a length of another body would
    // cut ours, or leave the rest of it as the beginning of the next answer.
    response.removeHeader('Content-Length')
    if (outcome.error !== undefined) {
      response.statusMessage = ''
      response.removeHeader('Location')
      next(outcome.error)
    } else await outcome.answer?.(request, response)
  }

  const router = Router()
  router.get('/oidc/interaction/:uid', (request, response) =>
    resolveInteraction(context, environment, provider, request, response),
  )
  router.use(oauth2Routes())
  for (const path of ['/oidc/auth', '/oidc/end_session']) {
    router.post(path, express.urlencoded({ extended: false }), asGetRequest)
  }
  router.use((request, response, next) =>
    isOidcPath(request.path) ? serve(request, response, next) : next(),
  )
  return router
}

/**
 * Requests may also be posted (OIDC Core 3.1.2.1, RP-Initiated Logout 1.0 section 2), but a post from another site
 * carries no SameSite=Lax cookie; the redirected GET does, so the person's sign-in counts.
 */
function asGetRequest(request: Request, response: Response) {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries((request.body ?? {}) as Record<string, unknown>)) {
    for (const one of [value].flat()) parameters.append(name, String(one))
  }
  response.redirect(303, `${request.baseUrl}${request.path}?${parameters}`)
}

function isOidcPath(path: string): boolean {
  return path.startsWith('/oidc/') || path === '/.well-known/openid-configuration'
}

/** What goes with the library's answers: the SSO session learns of them, and so does the audit log. */
function withSession(provider: Provider, context: AppContext, slots: AnswerSlots): Provider {
  auditFailures(provider, context)
  provider.use(async (ctx, next) => {
    try {
      await next()
      const { oidc } = ctx as unknown as KoaContextWithOIDC
      // Unknown addresses under /oidc/ have no oidc part.
      if (oidc) await afterAnswer(ctx as unknown as KoaContextWithOIDC, context, slots)
    } catch (error) {
      // A fault of ours or of the store: the one error page answers, not the library's plain text.
      ctx.respond = false
      slots.fail(ctx.req, error)
    }
  })
  return provider
}

async function afterAnswer(ctx: KoaContextWithOIDC, context: AppContext, slots: AnswerSlots) {
  const { route, session, client } = ctx.oidc
  if (route === 'end_session' && ctx.status === 200 && session) {
    if (!session.accountId) {
      ctx.respond = false
      slots.answer(ctx.req, logoutPassThrough(ctx))
    } else if (hintNamesSession(ctx, context.secrets)) {
      slots.answer(ctx.req, logOutFor(context, client, returnAddress(ctx.oidc.params)))
    }
  }
  if (route === 'end_session_confirm' && ctx.oidc.params?.logout && ctx.status === 303) {
    const asked = session?.state as { postLogoutRedirectUri?: string } | undefined
    const returnTo = asked?.postLogoutRedirectUri ? ctx.response.get('location') : undefined
    ctx.respond = false
    slots.answer(ctx.req, logOutFor(context, client, returnTo))
  }
  if (ctx.oidc.entities.AuthorizationCode && (route === 'authorization' || route === 'resume')) {
    const active = await activeSession(context, ctx.req)
    if (active && client) {
      await recordService(context, active.session, {
        protocol: 'oidc',
        id: client.clientId,
        sessionIndex: sessionIndexFor(active.session, client.clientId),
      })
    }
  }
  if (route === 'userinfo' && wantsProfile(ctx.req) && typeof ctx.body === 'object' && ctx.body) {
    ctx.body = profileOf(ctx.body as Record<string, unknown>)
  }
  auditSuccess(ctx, context)
}

/**
 * Ends the one session for a client that asked for it, or for nobody.
 *
 * @param returnTo a post_logout_redirect_uri that is registered, with the state
 */
function logOutFor(
  context: AppContext,
  client: InstanceType<Provider['Client']> | undefined,
  returnTo: string | undefined,
): Answer {
  const end = client && {
    protocol: 'oidc' as const,
    id: client.clientId,
    // It may wait for its logout token; without an address for it, it knows what it asked for.
    isToldToo: client.backchannelLogoutUri !== undefined,
    ...(returnTo ? { returnTo } : {}),
  }
  return (request, response) => {
    response.removeHeader('Location')
    return startLogout(context, request, response, end)
  }
}
