import { randomBytes } from 'node:crypto'
import {
  buildLogoutRequest,
  buildRedirectLogoutRequest,
  type LogoutRequestContent,
} from '../saml/logout-request-builder.ts'
import { nameIdFormats } from '../saml/uris.ts'
import type { MessageKey } from '../saml/xml-signature.ts'

export interface LogoutProbe {
  /** Our entityID. */
  readonly issuer: string
  readonly destination: string
  readonly now: Date
}

/** A LogoutRequest for HTTP-POST and SOAP: signed inside. */
export async function signedProbe(probe: LogoutProbe, key: MessageKey): Promise<string> {
  return (await buildLogoutRequest(forNobody(probe), key)).xml
}

/** The address with the LogoutRequest in its query, for HTTP-Redirect: signed beside. */
export async function redirectProbe(probe: LogoutProbe, key: MessageKey): Promise<string> {
  return (await buildRedirectLogoutRequest(forNobody(probe), undefined, key)).url
}

/** For a principal and a session that nobody ever had. */
function forNobody(probe: LogoutProbe): LogoutRequestContent {
  const nobody = `probe-${randomBytes(20).toString('hex')}`
  const nameId = { format: nameIdFormats.transient, value: nobody }
  return { ...probe, nameId, sessionIndexes: [`_${nobody}`] }
}
