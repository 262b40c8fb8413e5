import express, { type NextFunction, type Request, type Response, Router } from 'express'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { ServiceProvider } from '../federation/service.ts'
import type { EndedSession } from '../sso/logout-channels.ts'
import { tellServices } from '../sso/tell-services.ts'
import { takeLogoutMessage } from './logout-intake.ts'
import {
  checkLogoutRequest,
  type LogoutRequest,
  openNameId,
  readLogoutRequest,
} from './logout-request.ts'
import { buildPostLogoutResponse, logoutStatus } from './logout-response.ts'
import { endNamedSessions } from './logout-sessions.ts'
import { messageLimits } from './message-limits.ts'
import { takeOnce } from './message-replay.ts'
import { endpointPaths, idpEntityId } from './metadata.ts'
import { decodeMessage } from './redirect-binding.ts'
import { checkVersion } from './request-message.ts'
import { auditRefusal } from './sign-on-answer.ts'
import { soapContentType, soapEnvelope, soapFault } from './soap.ts'
import { type SamlStatus, SamlStatusError } from './status-response.ts'

/**
 * Logout that a service asks for server to server (Profiles 4.4.3.1 with the SOAP binding). No browser
 * is there: the sessions are found by NameID and SessionIndex, and services that can be told by the
 * browser alone are left (PartialLogout).
 */
export function logoutSoapRoutes(context: AppContext): Router {
  const router = Router()
  const parseBody = express.raw({ type: () => true, limit: messageLimits.maxXmlBytes })

  router.post(endpointPaths.singleLogoutSoap, parseBody, async (req: Request, res: Response) => {
    const { request, sp } = await accept(req)
    send(res, 200, soapEnvelope(await answer(request, sp)))
  })
  // Whatever goes wrong is a fault here, never a page.
  router.use(
    endpointPaths.singleLogoutSoap,
    (error: unknown, req: Request, res: Response, _next: NextFunction) => {
      const isTheirs = error instanceof IdpError || (error as { expose?: unknown }).expose === true
      if (isTheirs) {
        auditRefusal(context, req, error)
        context.log.warn({ reason: (error as Error).message }, 'a SOAP request was refused')
        const text = error instanceof IdpError ? error.code : 'the request is not readable'
        send(res, 500, soapFault('Client', text))
      } else {
        context.log.error({ err: error }, 'a SOAP request failed')
        send(res, 500, soapFault('Server', 'INTERNAL_ERROR'))
      }
    },
  )
  return router

  async function accept(req: Request) {
    const body: unknown = req.body
    if (!Buffer.isBuffer(body)) throw new IdpError('SAML_MESSAGE_INVALID', 'there is no body')
    const { message, sp } = await takeLogoutMessage(
      context,
      req,
      { xml: decodeMessage(body, 'the SOAP request') },
      { name: 'LogoutRequest', read: readLogoutRequest, binding: 'SOAP' },
    )
    return { request: openNameId(message, context.keys.decrypting()), sp }
  }

  async function answer(request: LogoutRequest, sp: ServiceProvider): Promise<string> {
    return buildPostLogoutResponse(
      {
        issuer: idpEntityId(context.config),
        inResponseTo: request.id,
        status: await logOut(request, sp),
        now: context.now(),
      },
      context.keys.active('saml'),
    )
  }

  async function logOut(request: LogoutRequest, sp: ServiceProvider): Promise<SamlStatus> {
    try {
      checkVersion(request)
      checkLogoutRequest(request, context.now(), context.config.clockSkewSeconds * 1000)
      await takeOnce(request, context.now())
    } catch (error) {
      if (error instanceof SamlStatusError) return error.samlStatus
      throw error
    }
    const { sessionIndexes } = request
    const ended = await endNamedSessions(context, sp, { nameId: request.nameId!, sessionIndexes })
    if (ended.length === 0) {
      return {
        code: 'Requester',
        secondLevel: 'UnknownPrincipal',
        message: 'No session of this NameID and SessionIndex is here',
      }
    }
    const told = await tellServices(
      context,
      ended.map((session) => withoutAsker(session, sp)),
    )
    return logoutStatus(told.filter(({ outcome }) => outcome !== 'done').length)
  }
}

function withoutAsker(session: EndedSession, sp: ServiceProvider): EndedSession {
  return {
    ...session,
    services: session.services.filter(
      ({ protocol, id }) => protocol !== 'saml' || id !== sp.entityId,
    ),
  }
}

function send(res: Response, status: number, xml: string): void {
  res.status(status).set({ 'Content-Type': soapContentType, 'Cache-Control': 'no-store' }).end(xml)
}
