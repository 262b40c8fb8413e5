import type { LogoutOutcome } from '../sso/logout-channels.ts'
import { attributeOf, childElements } from '../xml/safe-xml.ts'
import { invalid, type RequestMessage, readRequestMessage } from './request-message.ts'
import { namespaces, statusPrefix } from './uris.ts'

/** A samlp:LogoutResponse that came in (Core 3.7.2), of right form. */
export interface LogoutResponseMessage extends RequestMessage {
  readonly inResponseTo: string
  /** Without the prefix that all have; whole when it is of another kind. */
  readonly status: { readonly code: string; readonly secondLevel?: string }
}

/** @throws {IdpError} SAML_MESSAGE_INVALID */
export function readLogoutResponse(root: Element): LogoutResponseMessage {
  const inResponseTo = attributeOf(root, 'InResponseTo')
  if (inResponseTo === undefined) throw invalid('InResponseTo is missing')
  const [status, second] = childElements(root, namespaces.samlp, 'Status')
  if (!status || second) throw invalid('there must be exactly one Status')
  const [code] = childElements(status, namespaces.samlp, 'StatusCode')
  if (!code) throw invalid('Status has no StatusCode')
  const [inner] = childElements(code, namespaces.samlp, 'StatusCode')
  return {
    ...readRequestMessage(root),
    inResponseTo,
    status: { code: codeOf(code), ...(inner && { secondLevel: codeOf(inner) }) },
  }
}

/**
 * What a service's answer means for the person. A service that knows nobody of that name has no
 * session of theirs, if it could see what it knows them by.
 *
 * @param sawEverything false in a frame, where browsers may hold back the service's cookies
 */
export function outcomeOf(
  { code, secondLevel }: LogoutResponseMessage['status'],
  sawEverything: boolean,
): LogoutOutcome {
  if (code === 'Success') return secondLevel === undefined ? 'done' : 'failed'
  return secondLevel === 'UnknownPrincipal' && sawEverything ? 'done' : 'failed'
}

function codeOf(code: Element): string {
  const value = attributeOf(code, 'Value') ?? ''
  return value.startsWith(statusPrefix) ? value.slice(statusPrefix.length) : value
}
