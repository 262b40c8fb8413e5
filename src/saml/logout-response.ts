import type { IndexedEndpoint, ServiceProvider } from '../federation/service.ts'
import { startResponse } from './assertion.ts'
import { redirectUrl } from './redirect-binding.ts'
import { type SamlStatus, type StatusResponseContent, writeStatus } from './status-response.ts'
import { bindings } from './uris.ts'
import {
  type MessageKey,
  type RandomSource,
  signEnveloped,
  type UnsignedXml,
} from './xml-signature.ts'

/**
 * Where the LogoutResponse goes: by HTTP-Redirect if the service takes it (saml2int SDP-IDP24), else
 * by HTTP-POST. undefined: nowhere, the person stays here.
 */
export function chooseLogoutEndpoint(
  sp: Pick<ServiceProvider, 'singleLogoutServices'>,
): IndexedEndpoint | undefined {
  return [bindings.httpRedirect, bindings.httpPost]
    .map((wanted) => sp.singleLogoutServices.find(({ binding }) => binding === wanted))
    .find((endpoint) => endpoint !== undefined)
}

/** ResponseLocation when the metadata has one (Metadata 2.2.2). */
export function responseLocation(endpoint: IndexedEndpoint): string {
  return endpoint.responseLocation ?? endpoint.location
}

/**
 * Core 3.7.3.2: what became of the logout. With other services left in the session, which nobody
 * told, the answer says so: PartialLogout.
 */
export function logoutStatus(servicesLeft: number): SamlStatus {
  return servicesLeft === 0
    ? { code: 'Success' }
    : {
        code: 'Success',
        secondLevel: 'PartialLogout',
        message: `Signed out here; ${servicesLeft} other services may still hold sessions`,
      }
}

/** Without a destination: an answer over the connection that the request came by (SOAP). */
export type LogoutResponseContent = Omit<StatusResponseContent, 'destination'> & {
  readonly destination?: string
}

/** A LogoutResponse for HTTP-POST and SOAP: signed inside. */
export function buildPostLogoutResponse(
  content: LogoutResponseContent,
  key: MessageKey,
  random?: RandomSource,
): Promise<string> {
  return signEnveloped(writeLogoutResponse(content, random), key)
}

/**
 * The address with a LogoutResponse in its query for HTTP-Redirect: signed beside the message, over
 * the very octets that are sent (Bindings 3.4.4.1).
 */
export async function buildRedirectLogoutResponse(
  content: StatusResponseContent,
  relayState: string | undefined,
  key: MessageKey,
  random?: RandomSource,
): Promise<string> {
  const { before, after } = writeLogoutResponse(content, random)
  const message = { parameter: 'SAMLResponse', xml: before + after, relayState } as const
  return redirectUrl(content.destination, message, key)
}

function writeLogoutResponse(content: LogoutResponseContent, random?: RandomSource): UnsignedXml {
  const { before, id } = startResponse(content, random, 'LogoutResponse')
  return { before, after: `${writeStatus(content.status)}</samlp:LogoutResponse>`, id }
}
