import { type Request, type RequestHandler, type Response, Router } from 'express'
import { addressedUrl } from '../aliases/alias-middleware.ts'
import { pairwiseValue } from '../attributes/pairwise.ts'
import type { AppContext } from '../context.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { currentSession } from '../sso/current-session.ts'
import { openServiceFlow, resumeUrl, sealFlow } from '../sso/login-flow.ts'
import {
  endSession,
  type SessionService,
  servicesInSession,
  sessionIndexFor,
} from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { renderPostForm } from '../web/post-form.ts'
import { renderPage } from '../web/render.ts'
import { checkLogoutRequest, type LogoutRequest, readLogoutRequest } from './logout-request.ts'
import {
  buildPostLogoutResponse,
  buildRedirectLogoutResponse,
  chooseLogoutEndpoint,
  logoutStatus,
  responseLocation,
} from './logout-response.ts'
import { endpointPaths, idpEntityId } from './metadata.ts'
import { transientNameId } from './name-id.ts'
import { readPostRequest } from './post-binding.ts'
import { type ReceivedMessage, rawQuery, readRedirectRequest } from './redirect-binding.ts'
import { type RequestBinding, requireSignature, takeRequest } from './request-intake.ts'
import { checkRequestMessage, checkVersion } from './request-message.ts'
import { approvedServiceProvider } from './service-lookup.ts'
import { auditRefusal } from './sign-on-answer.ts'
import { type SamlStatus, SamlStatusError } from './status-response.ts'
import { bindings, nameIdFormats } from './uris.ts'

const resumePath = '/saml/slo/resume'

/** What is left of a LogoutRequest once it has been verified. JSON: it travels sealed. */
interface Logout {
  readonly requestId: string
  readonly relayState?: string
  readonly nameId: { readonly format: string; readonly value: string }
  readonly sessionIndexes: readonly string[]
}

/**
 * Logout that a service asks for, by HTTP-Redirect and HTTP-POST (Profiles 4.4). Our session ends;
 * other services in it are not told, and the answer says so (PartialLogout).
 */
export function logoutRoutes(context: AppContext, parseForm: RequestHandler): Router {
  const router = Router()
  const clockSkewMs = context.config.clockSkewSeconds * 1000

  router.get(endpointPaths.singleLogout, (req, res) =>
    receive(req, res, 'HTTP-Redirect', () => readRedirectRequest(rawQuery(req.originalUrl))),
  )
  router.post(endpointPaths.singleLogout, parseForm, (req, res) =>
    receive(req, res, 'HTTP-POST', () => readPostRequest(req.body ?? {})),
  )

  router.get(resumePath, async (req, res) => {
    const flow = openServiceFlow(context, req.query.flow, resumePath)
    const sp = await approvedServiceProvider(findServiceProvider, flow.service.id, context.now())
    await logOut(req, res, sp, flow.state as Logout)
  })

  return router

  async function receive(
    req: Request,
    res: Response,
    binding: RequestBinding,
    read: () => ReceivedMessage,
  ): Promise<void> {
    const { message, request, sp } = await accept(req, binding, read)
    try {
      checkVersion(request)
      checkLogoutRequest(request, context.now(), clockSkewMs)
    } catch (error) {
      if (!(error instanceof SamlStatusError)) throw error
      const to = { requestId: request.id, relayState: message.relayState }
      return respond(req, res, sp, to, error.samlStatus)
    }
    const logout: Logout = {
      requestId: request.id,
      relayState: message.relayState,
      nameId: request.nameId!,
      sessionIndexes: request.sessionIndexes,
    }
    if (binding === 'HTTP-POST' && !req.session?.sso) {
      // As for sign-on: only a GET from another site brings our cookie.
      const token = sealFlow(context, {
        resume: resumePath,
        service: { protocol: 'saml', id: sp.entityId },
        state: logout,
      })
      return res.redirect(303, resumeUrl({ resume: resumePath }, token))
    }
    await logOut(req, res, sp, logout)
  }

  async function accept(req: Request, binding: RequestBinding, read: () => ReceivedMessage) {
    try {
      const message = read()
      const now = context.now()
      const { request, sp, isSigned } = await takeRequest<LogoutRequest>(message, {
        name: 'LogoutRequest',
        read: readLogoutRequest,
        find: findServiceProvider,
        binding,
        now,
      })
      // Profiles 4.4.4.1: else any page could sign people out.
      requireSignature(sp, isSigned)
      const destination = addressedUrl(context.config, req, endpointPaths.singleLogout)
      checkRequestMessage(request, { destination, isSigned, now, clockSkewMs })
      return { message, request, sp }
    } catch (error) {
      auditRefusal(context, req, error)
      throw error
    }
  }

  async function logOut(
    req: Request,
    res: Response,
    sp: ServiceProvider,
    logout: Logout,
  ): Promise<void> {
    const session = currentSession(context, req)
    // Nothing left to end is what the service wants, too.
    if (!session) return respond(req, res, sp, logout, { code: 'Success' })
    const services = await servicesInSession(session)
    const known = services.find(({ protocol, id }) => protocol === 'saml' && id === sp.entityId)
    const isThisOne =
      known !== undefined &&
      isNameIdOf(context, session, sp, known, logout.nameId) &&
      (logout.sessionIndexes.length === 0 ||
        logout.sessionIndexes.includes(sessionIndexFor(session, sp.entityId)))
    if (!isThisOne) {
      return respond(req, res, sp, logout, {
        code: 'Requester',
        secondLevel: 'UnknownPrincipal',
        message: 'The NameID or SessionIndex is not of the session in this browser',
      })
    }
    await endSession(context, req)
    await respond(req, res, sp, logout, logoutStatus(services.length - 1))
  }

  async function respond(
    req: Request,
    res: Response,
    sp: ServiceProvider,
    { requestId, relayState }: Pick<Logout, 'requestId' | 'relayState'>,
    status: SamlStatus,
  ): Promise<void> {
    const endpoint = chooseLogoutEndpoint(sp)
    if (!endpoint) {
      renderPage(req, res, 'login/signed-out')
      return
    }
    const content = {
      issuer: idpEntityId(context.config),
      destination: responseLocation(endpoint),
      inResponseTo: requestId,
      status,
      now: context.now(),
    }
    const key = context.keys.active('saml')
    if (endpoint.binding === bindings.httpRedirect) {
      res.set('Cache-Control', 'no-store')
      res.redirect(303, await buildRedirectLogoutResponse(content, relayState, key))
      return
    }
    const xml = await buildPostLogoutResponse(content, key)
    renderPostForm(req, res, {
      action: content.destination,
      fields: { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: relayState },
    })
  }
}

/**
 * Whether the service was given this NameID in this session: the one written down last, or one of
 * the two that are computed, which it may have asked for before that.
 */
function isNameIdOf(
  context: AppContext,
  session: SsoSession,
  sp: ServiceProvider,
  known: SessionService,
  { format, value }: Logout['nameId'],
): boolean {
  if (known.nameId === value && known.nameIdFormat === format) return true
  const key = context.secrets.get('pairwise')
  switch (format) {
    case nameIdFormats.transient:
      return value === transientNameId(key, session.id, sp.entityId)
    case nameIdFormats.persistent:
      return value === pairwiseValue(key, session.personId, sp.entityId)
    default:
      return false
  }
}
