import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { AppContext } from '../context.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { currentSession } from '../sso/current-session.ts'
import { openServiceFlow, resumeUrl, sealFlow } from '../sso/login-flow.ts'
import { type AnswerLogout, type LogoutEnd, onLogoutEnd } from '../sso/logout-channels.ts'
import { servicesInSession, takeSession } from '../sso/sessions.ts'
import { followLogout } from '../sso/start-logout.ts'
import { renderPostForm } from '../web/post-form.ts'
import { receiveLogoutResponse } from './logout-answers.ts'
import { takeBroughtMessage } from './logout-intake.ts'
import { checkLogoutRequest, openNameId, readLogoutRequest } from './logout-request.ts'
import {
  buildPostLogoutResponse,
  buildRedirectLogoutResponse,
  chooseLogoutEndpoint,
  logoutStatus,
  responseLocation,
} from './logout-response.ts'
import { endNamedSessions, type NamedSessions, namesSession } from './logout-sessions.ts'
import { logoutSoapRoutes } from './logout-soap-routes.ts'
import { takeOnce } from './message-replay.ts'
import { endpointPaths, idpEntityId } from './metadata.ts'
import { readPostMessage, readPostRequest } from './post-binding.ts'
import {
  type ReceivedMessage,
  rawQuery,
  readRedirectMessage,
  readRedirectRequest,
} from './redirect-binding.ts'
import type { RequestBinding } from './request-intake.ts'
import { checkVersion } from './request-message.ts'
import { approvedServiceProvider } from './service-lookup.ts'
import { type SamlStatus, SamlStatusError } from './status-response.ts'
import { bindings } from './uris.ts'

const resumePath = '/saml/slo/resume'

/** What is left of a LogoutRequest once it has been verified. JSON: it travels sealed. */
interface Logout extends NamedSessions {
  readonly requestId: string
  readonly relayState?: string
  readonly isAsynchronous: boolean
}

/** What the answer needs, while other services are being told; LogoutEnd.state. */
type Asked = Pick<Logout, 'requestId' | 'relayState'>

/**
 * Logout that a service asks for, by HTTP-Redirect and HTTP-POST (Profiles 4.4), and the answers of
 * services that we asked in the same way.
 */
export function logoutRoutes(context: AppContext, parseForm: RequestHandler): Router {
  const router = Router()
  const clockSkewMs = context.config.clockSkewSeconds * 1000

  router.get(endpointPaths.singleLogout, (req, res) => {
    const query = rawQuery(req.originalUrl)
    return req.query.SAMLResponse === undefined
      ? receive(req, res, 'HTTP-Redirect', () => readRedirectRequest(query))
      : receiveLogoutResponse(context, req, res, 'HTTP-Redirect', () =>
          readRedirectMessage(query, 'SAMLResponse'),
        )
  })
  router.post(endpointPaths.singleLogout, parseForm, (req, res) => {
    const form = req.body ?? {}
    return form.SAMLResponse === undefined
      ? receive(req, res, 'HTTP-POST', () => readPostRequest(form))
      : receiveLogoutResponse(context, req, res, 'HTTP-POST', () =>
          readPostMessage(form, 'SAMLResponse'),
        )
  })

  router.get(resumePath, async (req, res) => {
    const flow = openServiceFlow(context, req.query.flow, resumePath)
    const sp = await approvedServiceProvider(findServiceProvider, flow.service.id, context.now())
    await logOut(req, res, sp, flow.state as Logout)
  })

  router.use(logoutSoapRoutes(context))
  return router

  async function receive(
    req: Request,
    res: Response,
    binding: RequestBinding,
    read: () => ReceivedMessage,
  ): Promise<void> {
    const taken = await takeBroughtMessage(context, req, read, {
      name: 'LogoutRequest',
      read: readLogoutRequest,
      binding,
    })
    const { sp, relayState } = taken
    const request = openNameId(taken.message, context.keys.decrypting())
    try {
      checkVersion(request)
      checkLogoutRequest(request, context.now(), clockSkewMs)
    } catch (error) {
      if (!(error instanceof SamlStatusError)) throw error
      const to = { requestId: request.id, relayState }
      return respond(context, req, res, sp, to, error.samlStatus)
    }
    const logout: Logout = {
      requestId: request.id,
      relayState,
      nameId: request.nameId!,
      sessionIndexes: request.sessionIndexes,
      isAsynchronous: request.isAsynchronous,
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

  async function logOut(
    req: Request,
    res: Response,
    sp: ServiceProvider,
    logout: Logout,
  ): Promise<void> {
    try {
      await takeOnce({ issuer: sp.entityId, id: logout.requestId }, context.now())
    } catch (error) {
      if (!(error instanceof SamlStatusError)) throw error
      return respond(context, req, res, sp, logout, error.samlStatus)
    }
    const session = currentSession(context, req)
    const services = session ? await servicesInSession(session) : []
    const isThisOne = session && namesSession(sp, logout, { ...session, services })
    const here = isThisOne ? await takeSession(context, req) : undefined
    // Without a SessionIndex all of them are meant; and a browser may keep our cookie back in a frame.
    const isAll = logout.sessionIndexes.length === 0
    const elsewhere = !here || isAll ? await endNamedSessions(context, sp, logout) : []
    if (session && !isThisOne && elsewhere.length === 0) {
      return respond(context, req, res, sp, logout, {
        code: 'Requester',
        secondLevel: 'UnknownPrincipal',
        message: 'The NameID or SessionIndex is not of the session in this browser',
      })
    }
    // With no session at all there is nothing left to end, which is what the service wants, too.
    const { requestId, relayState } = logout
    const asked: Asked = { requestId, ...(relayState === undefined ? {} : { relayState }) }
    const isOwed = !logout.isAsynchronous && chooseLogoutEndpoint(sp) !== undefined
    const end: LogoutEnd = {
      protocol: 'saml',
      id: sp.entityId,
      ...(isOwed ? { state: asked } : {}),
    }
    await followLogout(context, req, res, { here: here ? [here] : [], elsewhere, end })
  }
}

const answerLogout: AnswerLogout = async (context, req, res, end, left) => {
  const sp = await approvedServiceProvider(findServiceProvider, String(end.id), context.now())
  await respond(context, req, res, sp, end.state as Asked, logoutStatus(left))
}

onLogoutEnd('saml', answerLogout)

async function respond(
  context: AppContext,
  req: Request,
  res: Response,
  sp: ServiceProvider,
  { requestId, relayState }: Asked,
  status: SamlStatus,
): Promise<void> {
  const endpoint = chooseLogoutEndpoint(sp)
  if (!endpoint) return res.redirect(303, '/logout')
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
