import { IdpError } from '../errors.ts'
import type { ServiceProvider } from '../federation/service.ts'
import type { ReceivedMessage } from './redirect-binding.ts'
import {
  parseMessage,
  parseSoapMessage,
  type RequestMessage,
  type RequestName,
} from './request-message.ts'
import {
  findSignature,
  verifyEnvelopedSignature,
  verifyQuerySignature,
} from './request-signature.ts'
import { approvedServiceProvider, type FindServiceProvider } from './service-lookup.ts'

export type RequestBinding = 'HTTP-Redirect' | 'HTTP-POST' | 'SOAP'

export interface TakenRequest<Request extends RequestMessage> {
  readonly request: Request
  readonly sp: ServiceProvider
  readonly isSigned: boolean
}

/**
 * Parses a request, finds its service and verifies its signature, if there is one; a signature that
 * fails fails the request, however optional it was. What is returned comes from the signed element
 * alone when the signature is inside the message.
 *
 * Whether the request is recent, for us, and had to be signed has not been checked yet.
 *
 * @param read turns the root element into the request
 * @throws {IdpError} SAML_MESSAGE_INVALID, SAML_SERVICE_UNKNOWN, SAML_SERVICE_NOT_APPROVED,
 *   SAML_SIGNATURE_INVALID
 */
export async function takeRequest<Request extends RequestMessage>(
  { xml, querySignature }: ReceivedMessage,
  options: {
    readonly name: RequestName
    readonly binding: RequestBinding
    readonly read: (root: Element) => Request
    readonly find: FindServiceProvider
    readonly now: Date
  },
): Promise<TakenRequest<Request>> {
  const { name, binding, read, find, now } = options
  const root = binding === 'SOAP' ? parseSoapMessage(xml, name) : parseMessage(xml, name)
  const request = read(root)
  const sp = await approvedServiceProvider(find, request.issuer, now)
  if (binding === 'HTTP-Redirect') {
    if (findSignature(root)) {
      // Bindings 3.4.4.1: the signature of this binding is in the query.
      throw new IdpError(
        'SAML_SIGNATURE_INVALID',
        'an HTTP-Redirect message carries an XML signature inside',
      )
    }
    if (querySignature) verifyQuerySignature(querySignature, sp)
    return { request, sp, isSigned: querySignature !== undefined }
  }
  if (!findSignature(root)) return { request, sp, isSigned: false }
  const signed = read(parseMessage(verifyEnvelopedSignature(xml, root, sp), name))
  if (signed.issuer !== request.issuer) {
    throw new IdpError('SAML_SIGNATURE_INVALID', 'the signed Issuer differs from the visible one')
  }
  return { request: signed, sp, isSigned: true }
}

/** @throws {IdpError} SAML_SIGNATURE_REQUIRED (saml2int SDP-IDP04) */
export function requireSignature(sp: ServiceProvider, isSigned: boolean): void {
  if (isSigned) return
  throw new IdpError('SAML_SIGNATURE_REQUIRED', `requests of ${sp.entityId} must be signed`)
}
