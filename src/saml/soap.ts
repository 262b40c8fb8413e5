import type { BlockList } from 'node:net'
import { postPublic } from '../fetch/public-post.ts'
import { messageLimits } from './message-limits.ts'
import { decodeMessage } from './redirect-binding.ts'
import { namespaces } from './uris.ts'
import { escapeText } from './xml-writer.ts'

export const soapContentType = 'text/xml; charset=utf-8'

/** Bindings 3.2.3.1: the one value that SAML gives this header. */
const soapAction = '"http://www.oasis-open.org/committees/security"'

/** A message in a SOAP 1.1 envelope (Bindings 3.2). What it is signed over stays as it was. */
export function soapEnvelope(message: string): string {
  return `<soap:Envelope xmlns:soap="${namespaces.soap}"><soap:Body>${message}</soap:Body></soap:Envelope>`
}

/**
 * Why no message of SAML answers (SOAP 1.1 section 4.4; Bindings 3.2.3.3).
 *
 * @param fault whose it is: `Client`, the request is at fault; `Server`, we are
 */
export function soapFault(fault: 'Client' | 'Server', text: string): string {
  return soapEnvelope(
    `<soap:Fault><faultcode>soap:${fault}</faultcode><faultstring>${escapeText(text)}</faultstring></soap:Fault>`,
  )
}

export interface SoapOptions {
  readonly timeoutMs: number
  readonly allowLoopback: boolean
  readonly networks?: BlockList | undefined
  readonly signal?: AbortSignal
}

/**
 * Sends a signed message to a service, server to server, and brings its answer.
 *
 * @param address from the service's metadata; reached under the rules of fetch/
 * @returns the envelope as text, within the limits of messages; nothing in it has been checked
 * @throws {FetchError} when no whole answer came in time
 * @throws {IdpError} SAML_MESSAGE_INVALID when the answer is no UTF-8
 */
export async function askBySoap(
  address: string,
  message: string,
  options: SoapOptions,
): Promise<{ status: number; xml: string }> {
  const { status, bytes } = await postPublic(
    address,
    {
      contentType: soapContentType,
      body: soapEnvelope(message),
      headers: { soapaction: soapAction },
    },
    { ...options, accept: 'text/xml', maxBytes: messageLimits.maxXmlBytes },
  )
  return { status, xml: decodeMessage(bytes, 'the SOAP answer') }
}
