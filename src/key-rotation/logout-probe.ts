import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { signQuery } from '../saml/redirect-binding.ts'
import { nameIdFormats, namespaces } from '../saml/uris.ts'
import {
  type MessageKey,
  newMessageId,
  signEnveloped,
  type UnsignedXml,
} from '../saml/xml-signature.ts'
import { escapeAttribute, escapeText } from '../saml/xml-writer.ts'

/** How long a service may take it for current. Milliseconds. */
const lifetimeMs = 5 * 60_000

export interface LogoutProbe {
  /** Our entityID. */
  readonly issuer: string
  readonly destination: string
  readonly now: Date
}

/** A LogoutRequest for HTTP-POST and SOAP: signed inside. */
export function signedProbe(probe: LogoutProbe, key: MessageKey): Promise<string> {
  return signEnveloped(writeProbe(probe), key)
}

/** The address with the LogoutRequest in its query, for HTTP-Redirect: signed beside (Bindings 3.4.4.1). */
export async function redirectProbe(probe: LogoutProbe, key: MessageKey): Promise<string> {
  const { before, after } = writeProbe(probe)
  const message = deflateRawSync(before + after).toString('base64')
  const query = await signQuery([`SAMLRequest=${encodeURIComponent(message)}`], key)
  return `${probe.destination}${probe.destination.includes('?') ? '&' : '?'}${query}`
}

/** A LogoutRequest (Core 3.7.1) for a principal and a session that nobody ever had. */
function writeProbe({ issuer, destination, now }: LogoutProbe): UnsignedXml {
  const id = newMessageId()
  const until = new Date(now.getTime() + lifetimeMs).toISOString()
  const nobody = `probe-${randomBytes(20).toString('hex')}`
  return {
    id,
    before: `<samlp:LogoutRequest xmlns:samlp="${namespaces.samlp}" Destination="${escapeAttribute(destination)}" ID="${id}" IssueInstant="${now.toISOString()}" NotOnOrAfter="${until}" Version="2.0"><saml:Issuer xmlns:saml="${namespaces.saml}">${escapeText(issuer)}</saml:Issuer>`,
    after: `<saml:NameID xmlns:saml="${namespaces.saml}" Format="${nameIdFormats.transient}">${nobody}</saml:NameID><samlp:SessionIndex>_${nobody}</samlp:SessionIndex></samlp:LogoutRequest>`,
  }
}
