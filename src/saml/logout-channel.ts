import type { BlockList } from 'node:net'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { IndexedEndpoint, ServiceProvider } from '../federation/service.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { FetchError } from '../fetch/public-fetch.ts'
import type {
  EndedSession,
  FrontChannel,
  LogoutOutcome,
  TellService,
} from '../sso/logout-channels.ts'
import type { SessionService } from '../sso/sessions.ts'
import { tellLimitMs } from '../sso/tell-services.ts'
import type { NameId } from './assertion.ts'
import { buildLogoutRequest, buildRedirectLogoutRequest } from './logout-request-builder.ts'
import { chooseLogoutEndpoint } from './logout-response.ts'
import { outcomeOf, readLogoutResponse } from './logout-response-message.ts'
import { idpEntityId } from './metadata.ts'
import { parseSoapMessage } from './request-message.ts'
import { findSignature, verifyEnvelopedSignature } from './request-signature.ts'
import { askBySoap } from './soap.ts'
import { bindings, nameIdFormats } from './uris.ts'

/** How a service is asked to end its session, server to server. */
export interface LogoutAsk {
  readonly sp: ServiceProvider
  readonly address: string
  /** A signed LogoutRequest and its ID. */
  readonly request: { readonly id: string; readonly xml: string }
  readonly allowLoopback: boolean
  /** Where the address may be beside the public net. */
  readonly networks?: BlockList | undefined
  readonly signal?: AbortSignal
}

/**
 * Sends a LogoutRequest by SOAP and reads the answer (Profiles 4.4.3.3).
 *
 * An answer need not be signed here, as it comes over the very connection that our request went by,
 * to the address in the metadata; one that is signed must verify.
 *
 * @throws {FetchError} nothing came in time
 * @throws {IdpError} SAML_MESSAGE_INVALID, SAML_SIGNATURE_INVALID: what came is no answer
 */
export async function askToLogOut(ask: LogoutAsk): Promise<LogoutOutcome> {
  const { sp, request, address, allowLoopback, networks, signal } = ask
  const { xml } = await askBySoap(address, request.xml, {
    timeoutMs: tellLimitMs,
    allowLoopback,
    networks,
    ...(signal && { signal }),
  })
  const root = parseSoapMessage(xml, 'LogoutResponse')
  if (findSignature(root)) verifyEnvelopedSignature(xml, root, sp)
  const answer = readLogoutResponse(root)
  if (answer.issuer !== sp.entityId || answer.inResponseTo !== request.id) {
    throw new IdpError(
      'SAML_MESSAGE_INVALID',
      `an answer of "${answer.issuer}" to "${answer.inResponseTo}" came, expected one of ${sp.entityId} to "${request.id}"`,
    )
  }
  return outcomeOf(answer.status, true)
}

/** The NameID with its qualifiers, as the assertion had it (see makeNameId). */
export function nameIdAsGiven(service: SessionService, issuer: string): NameId | undefined {
  const { nameId: value, nameIdFormat: format } = service
  if (value === undefined || format === undefined) return undefined
  const isQualified = format === nameIdFormats.transient || format === nameIdFormats.persistent
  return {
    format,
    value,
    ...(isQualified && { nameQualifier: issuer, spNameQualifier: service.id }),
  }
}

/** Tells a service by a LogoutRequest over SOAP, if its metadata has an address for it. */
export const tellBySoap: TellService = async (context, session: EndedSession, service, signal) => {
  const sp = await findServiceProvider(service.id, context.now())
  const endpoint = sp && endpointFor(sp, bindings.soap)
  const reason = session.isByAdministrator ? 'admin' : 'user'
  const content = endpoint && contentFor(context, service, endpoint.location, reason)
  if (!sp || !endpoint || !content) return 'impossible'
  try {
    const request = await buildLogoutRequest(content, context.keys.active('saml'))
    return await askToLogOut({
      sp,
      address: endpoint.location,
      request,
      allowLoopback: context.config.fetchLoopback === 'true',
      // What a federation says of an address nobody here has looked at.
      networks: sp.origin.startsWith('federation:') ? undefined : context.config.logoutNetworks,
      signal,
    })
  } catch (error) {
    const known = error instanceof FetchError || error instanceof IdpError
    if (!known) throw error
    context.log.warn(
      { service: service.id, reason: error.message },
      'a SAML service could not be told of a logout',
    )
    return error instanceof FetchError ? 'no-answer' : 'failed'
  }
}

/** Tells a service by a LogoutRequest that the browser carries, by Redirect or POST. */
export const byBrowser: FrontChannel = {
  async endpoint(context, service) {
    const sp = await findServiceProvider(service.id, context.now())
    const endpoint = sp && chooseLogoutEndpoint(sp)
    if (!endpoint || service.nameId === undefined) return undefined
    return {
      url: endpoint.location,
      needsScript: endpoint.binding === bindings.httpPost,
      isOnlyWay: endpointFor(sp, bindings.soap) === undefined,
    }
  },

  async message(context, service, place) {
    const sp = await findServiceProvider(service.id, context.now())
    const endpoint = sp && chooseLogoutEndpoint(sp)
    const content = endpoint && contentFor(context, service, endpoint.location)
    if (!content) return undefined
    const key = context.keys.active('saml')
    // The answer brings it back: whether it has the whole window.
    const relayState = place
    if (endpoint.binding === bindings.httpRedirect) {
      const { id, url } = await buildRedirectLogoutRequest(content, relayState, key)
      return { requestId: id, url }
    }
    const { id, xml } = await buildLogoutRequest(content, key)
    const fields = { SAMLRequest: Buffer.from(xml).toString('base64'), RelayState: relayState }
    return { requestId: id, url: content.destination, fields }
  },
}

function contentFor(
  context: AppContext,
  service: SessionService,
  destination: string,
  reason: 'user' | 'admin' = 'user',
) {
  const issuer = idpEntityId(context.config)
  const nameId = nameIdAsGiven(service, issuer)
  return (
    nameId && {
      issuer,
      destination,
      nameId,
      sessionIndexes: service.sessionIndex === undefined ? [] : [service.sessionIndex],
      reason,
      now: context.now(),
    }
  )
}

function endpointFor(sp: ServiceProvider, binding: string): IndexedEndpoint | undefined {
  return sp.singleLogoutServices.find((endpoint) => endpoint.binding === binding)
}
