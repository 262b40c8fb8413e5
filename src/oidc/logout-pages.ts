import type { Request, Response } from 'express'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { describeService } from '../federation/describe-service.ts'
import { languageOf } from '../web/language.ts'
import { renderPostForm } from '../web/post-form.ts'
import { renderPage } from '../web/render.ts'
import { cspFormAction } from '../web/security-headers.ts'

/** Writes the answer in express, after oidc-provider has set its cookies and saved its session. */
export type Answer = (request: Request, response: Response) => void | Promise<void>

/** The question of RP-Initiated Logout 1.0 section 2: sign out of everything, or stay. */
export function logoutQuestion(ctx: KoaContextWithOIDC): Answer {
  const { clientId, secret, returnTo, action } = logoutOf(ctx)
  return async (request, response) => {
    if (returnTo) cspFormAction(response, returnTo)
    renderPage(request, response, 'oidc/logout', {
      action,
      xsrf: secret,
      serviceName: await serviceNameOf(clientId, request),
    })
  }
}

/** Nobody is signed in: there is nothing to ask, the browser goes straight on to the service. */
export function logoutPassThrough(ctx: KoaContextWithOIDC): Answer {
  const { secret, returnTo, action } = logoutOf(ctx)
  return (request, response) => {
    if (returnTo) cspFormAction(response, returnTo)
    renderPostForm(request, response, { action, fields: { xsrf: secret, logout: 'yes' } })
  }
}

/** After the logout, for services that gave no address to return to. */
export function logoutDone(ctx: KoaContextWithOIDC): Answer {
  const clientId = ctx.oidc.client?.clientId
  return async (request, response) =>
    renderPage(request, response, 'oidc/logged-out', {
      // The service is named only when the person chose to stay signed in elsewhere.
      serviceName: await serviceNameOf(clientId, request),
    })
}

function logoutOf(ctx: KoaContextWithOIDC) {
  const { oidc } = ctx
  return {
    clientId: oidc.client?.clientId,
    secret: String(oidc.session?.state?.secret),
    returnTo: oidc.params?.post_logout_redirect_uri as string | undefined,
    action: oidc.urlFor('end_session_confirm'),
  }
}

async function serviceNameOf(clientId: string | undefined, request: Request) {
  if (clientId === undefined) return undefined
  return (await describeService({ protocol: 'oidc', id: clientId }, languageOf(request))).name
}
