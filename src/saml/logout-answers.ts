import type { Request, Response } from 'express'
import { addressedUrl } from '../aliases/alias-middleware.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { recordFrontOutcome } from '../sso/logout-run.ts'
import { runUrl } from '../sso/start-logout.ts'
import { allowOwnFrames } from '../web/security-headers.ts'
import {
  type LogoutResponseMessage,
  outcomeOf,
  readLogoutResponse,
} from './logout-response-message.ts'
import { endpointPaths } from './metadata.ts'
import type { ReceivedMessage } from './redirect-binding.ts'
import { type RequestBinding, requireSignature, takeRequest } from './request-intake.ts'
import { checkRequestMessage } from './request-message.ts'
import { auditRefusal } from './sign-on-answer.ts'

/**
 * The answer of a service that the browser told of a logout: verified, then written down. It is bound
 * to its run by InResponseTo, an ID of 160 random bits that only this service was given, so it needs
 * no cookie of ours; browsers hold that back in frames.
 */
export async function receiveLogoutResponse(
  context: AppContext,
  req: Request,
  res: Response,
  binding: RequestBinding,
  read: () => ReceivedMessage,
): Promise<void> {
  const { answer, relayState } = await accept(context, req, binding, read)
  const isFrame = relayState === 'frame' || req.headers['sec-fetch-dest'] === 'iframe'
  const run = await recordFrontOutcome(context, {
    requestId: answer.inResponseTo,
    protocol: 'saml',
    id: answer.issuer,
    outcome: outcomeOf(answer.status, !isFrame),
  })
  if (run === undefined) {
    const error = new IdpError(
      'SAML_MESSAGE_INVALID',
      `InResponseTo "${answer.inResponseTo.slice(0, 80)}" of ${answer.issuer} answers no LogoutRequest that is waited for`,
    )
    auditRefusal(context, req, error)
    throw error
  }
  if (!isFrame) return res.redirect(303, runUrl(run))
  allowOwnFrames(res)
  res.set('Cache-Control', 'no-store').type('text/plain').send('OK')
}

async function accept(
  context: AppContext,
  req: Request,
  binding: RequestBinding,
  read: () => ReceivedMessage,
): Promise<{ answer: LogoutResponseMessage; relayState: string | undefined }> {
  try {
    const message = read()
    const now = context.now()
    const { request, sp, isSigned } = await takeRequest<LogoutResponseMessage>(message, {
      name: 'LogoutResponse',
      read: readLogoutResponse,
      find: findServiceProvider,
      binding,
      now,
    })
    // Profiles 4.4.4.2: else any page could say that somebody is signed out.
    requireSignature(sp, isSigned)
    checkRequestMessage(request, {
      destination: addressedUrl(context.config, req, endpointPaths.singleLogout),
      isSigned,
      now,
      clockSkewMs: context.config.clockSkewSeconds * 1000,
    })
    return { answer: request, relayState: message.relayState }
  } catch (error) {
    auditRefusal(context, req, error)
    throw error
  }
}
