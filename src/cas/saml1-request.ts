import { attributeOf, childElement, parseXml, textOf, XmlError } from '../xml/safe-xml.ts'

const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/'
const protocolNamespace = 'urn:oasis:names:tc:SAML:1.0:protocol'

/** A request has some twenty elements and less than a kilobyte. */
const limits = { maxBytes: 16_384, maxDepth: 12, maxNodes: 200 } as const

export interface ArtifactRequest {
  /** Empty when the request has none that can be repeated. */
  readonly requestId: string
  /** The service ticket. */
  readonly artifact: string
}

/**
 * The ticket in a SAML 1.1 Request over SOAP, as CAS clients send it (CAS Protocol 2.9.1; SAML 1.1
 * Core 3.2.2).
 *
 * @returns undefined when it is no such request
 */
export function readArtifactRequest(body: string): ArtifactRequest | undefined {
  let document: Document
  try {
    document = parseXml(body, limits)
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
  const envelope = childElement(document, soapNamespace, 'Envelope')
  const soapBody = envelope && childElement(envelope, soapNamespace, 'Body')
  const request = soapBody && childElement(soapBody, protocolNamespace, 'Request')
  const artifact = request && childElement(request, protocolNamespace, 'AssertionArtifact')
  if (!request || !artifact) return undefined
  const requestId = attributeOf(request, 'RequestID') ?? ''
  return {
    requestId: /^[A-Za-z_][\w.-]{0,255}$/.test(requestId) ? requestId : '',
    artifact: textOf(artifact),
  }
}
