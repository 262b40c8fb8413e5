import type { Request } from 'express'
import { addressedUrl } from '../aliases/alias-middleware.ts'
import type { AppContext } from '../context.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { endpointPaths } from './metadata.ts'
import type { ReceivedMessage } from './redirect-binding.ts'
import { type RequestBinding, requireSignature, takeRequest } from './request-intake.ts'
import { checkRequestMessage, type RequestMessage, type RequestName } from './request-message.ts'
import { auditRefusal } from './sign-on-answer.ts'

/** What kind of message is expected, and how its root element is read. */
export interface LogoutMessageKind<Message extends RequestMessage> {
  readonly name: RequestName
  readonly read: (root: Element) => Message
}

/**
 * Takes a LogoutRequest or LogoutResponse: its service found, its signature there and verified, for
 * this endpoint and recent. Without a signature any page could sign people out, or say that somebody
 * is signed out.
 *
 * Profiles 4.4.4.1 and 4.4.4.2; Bindings 3.2 (SOAP).
 *
 * @throws {IdpError} as takeRequest(), requireSignature() and checkRequestMessage()
 */
export async function takeLogoutMessage<Message extends RequestMessage>(
  context: AppContext,
  req: Request,
  received: ReceivedMessage,
  kind: LogoutMessageKind<Message> & { readonly binding: RequestBinding },
): Promise<{ readonly message: Message; readonly sp: ServiceProvider }> {
  const now = context.now()
  const { request, sp, isSigned } = await takeRequest<Message>(received, {
    ...kind,
    find: findServiceProvider,
    now,
  })
  requireSignature(sp, isSigned)
  const isSoap = kind.binding === 'SOAP'
  checkRequestMessage(request, {
    destination: addressedUrl(
      context.config,
      req,
      isSoap ? endpointPaths.singleLogoutSoap : endpointPaths.singleLogout,
    ),
    // SOAP asks for no Destination: the message comes straight from its sender.
    isSigned: isSigned && !isSoap,
    now,
    clockSkewMs: context.config.clockSkewSeconds * 1000,
  })
  return { message: request, sp }
}

/**
 * The same for one that a browser brings; what is refused stands in the audit log.
 *
 * @param receive decodes the binding
 * @throws {IdpError} as takeLogoutMessage()
 */
export async function takeBroughtMessage<Message extends RequestMessage>(
  context: AppContext,
  req: Request,
  receive: () => ReceivedMessage,
  kind: LogoutMessageKind<Message> & { readonly binding: RequestBinding },
): Promise<{
  readonly message: Message
  readonly sp: ServiceProvider
  readonly relayState: string | undefined
}> {
  try {
    const received = receive()
    const taken = await takeLogoutMessage(context, req, received, kind)
    return { ...taken, relayState: received.relayState }
  } catch (error) {
    auditRefusal(context, req, error)
    throw error
  }
}
