import { type NameId, startMessage, writeNameId } from './assertion.ts'
import { redirectUrl } from './redirect-binding.ts'
import { namespaces } from './uris.ts'
import {
  type MessageKey,
  type RandomSource,
  signEnveloped,
  type UnsignedXml,
} from './xml-signature.ts'
import { escapeAttribute, escapeText } from './xml-writer.ts'

/** What a samlp:LogoutRequest of ours says (Core 3.7.1). */
export interface LogoutRequestContent {
  /** Our entityID. */
  readonly issuer: string
  readonly destination: string
  /** As the service got it. */
  readonly nameId: NameId
  /** Of the sessions that ended; empty: all of this NameID. */
  readonly sessionIndexes: readonly string[]
  readonly reason?: 'user' | 'admin'
  readonly now: Date
}

export interface SignedLogoutRequest {
  /** By which its LogoutResponse is known (InResponseTo). */
  readonly id: string
  readonly xml: string
}

/** A request that comes later than this was kept by somebody. */
const lifetimeMs = 5 * 60_000
const reasonPrefix = 'urn:oasis:names:tc:SAML:2.0:logout:'

/** A LogoutRequest for HTTP-POST and SOAP: signed inside. The NameID goes in clear (saml2int SDP-IDP29). */
export async function buildLogoutRequest(
  content: LogoutRequestContent,
  key: MessageKey,
  random?: RandomSource,
): Promise<SignedLogoutRequest> {
  const message = writeLogoutRequest(content, random)
  return { id: message.id, xml: await signEnveloped(message, key) }
}

/** A LogoutRequest for HTTP-Redirect: the address with it, signed in the query. */
export async function buildRedirectLogoutRequest(
  content: LogoutRequestContent,
  relayState: string | undefined,
  key: MessageKey,
  random?: RandomSource,
): Promise<{ id: string; url: string }> {
  const { before, after, id } = writeLogoutRequest(content, random)
  const message = { parameter: 'SAMLRequest', xml: before + after, relayState } as const
  return { id, url: await redirectUrl(content.destination, message, key) }
}

function writeLogoutRequest(content: LogoutRequestContent, random?: RandomSource): UnsignedXml {
  const notOnOrAfter = new Date(content.now.getTime() + lifetimeMs).toISOString()
  const reason = content.reason ? ` Reason="${reasonPrefix}${content.reason}"` : ''
  const { before, id } = startMessage(
    'LogoutRequest',
    content,
    ` NotOnOrAfter="${notOnOrAfter}"${reason}`,
    random,
  )
  // Exclusive canonicalization declares a prefix anew on each element beside the Issuer.
  const nameId = writeNameId(content.nameId).replace(
    '<saml:NameID',
    `<saml:NameID xmlns:saml="${escapeAttribute(namespaces.saml)}"`,
  )
  const indexes = content.sessionIndexes
    .map((index) => `<samlp:SessionIndex>${escapeText(index)}</samlp:SessionIndex>`)
    .join('')
  return { before, after: `${nameId}${indexes}</samlp:LogoutRequest>`, id }
}
