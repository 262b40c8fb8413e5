import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { recordFrontOutcome } from '../sso/logout-run.ts'
import { runUrl } from '../sso/start-logout.ts'
import { allowOwnFrames } from '../web/security-headers.ts'
import { takeBroughtMessage } from './logout-intake.ts'
import { outcomeOf, readLogoutResponse } from './logout-response-message.ts'
import type { ReceivedMessage } from './redirect-binding.ts'
import type { RequestBinding } from './request-intake.ts'
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
  const { message: answer, relayState } = await takeBroughtMessage(context, req, read, {
    name: 'LogoutResponse',
    read: readLogoutResponse,
    binding,
  })
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
