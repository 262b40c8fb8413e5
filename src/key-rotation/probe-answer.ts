import { inflateRawSync } from 'node:zlib'
import { namespaces, statusPrefix } from '../saml/uris.ts'
import { attributeOf, childElement, decodeXml, parseXml, XmlError } from '../xml/safe-xml.ts'

const maxXmlBytes = 262_144

/** What came back over HTTP, whatever it is. */
export interface HttpAnswer {
  readonly status: number
  readonly location?: string
  readonly body: Buffer
}

/**
 * What kind of answer it is, so that two can be held against each other: the statuses of a
 * LogoutResponse (`saml Success`, `saml Requester UnknownPrincipal`), a SOAP fault, or else the HTTP
 * status. Nothing in it is believed; only sameness and difference count.
 */
export function kindOfAnswer({ status, location, body }: HttpAnswer): string {
  const fromLocation = location === undefined ? undefined : messageInUrl(location)
  const message = fromLocation ?? messageInPage(body)
  const told = message === undefined ? statusesIn(body) : statusesIn(message)
  return told ?? `http ${status}`
}

/** Whether the service answered as one does that believed who was asking. */
export function isSamlAnswer(kind: string): boolean {
  return kind.startsWith('saml ')
}

function messageInUrl(location: string): Buffer | undefined {
  const query = location.slice(location.indexOf('?') + 1)
  const encoded = new URLSearchParams(query).get('SAMLResponse')
  if (!encoded) return undefined
  try {
    return inflateRawSync(Buffer.from(encoded, 'base64'), { maxOutputLength: maxXmlBytes })
  } catch {
    return undefined
  }
}

/** The page of HTTP-POST: a form with the message in a hidden field, in whatever HTML. */
function messageInPage(body: Buffer): Buffer | undefined {
  const field = /<input\b[^>]*\bname="SAMLResponse"[^>]*>/i.exec(body.toString('latin1'))?.[0]
  const value = field && /\bvalue="([A-Za-z0-9+/=\s]+)"/.exec(field)?.[1]
  return value ? Buffer.from(value, 'base64') : undefined
}

function statusesIn(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes.length > maxXmlBytes) return undefined
  let root: Element
  try {
    root = parseXml(decodeXml(bytes), { maxBytes: maxXmlBytes }).documentElement
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
  const body = childElement(root, namespaces.soap, 'Body')
  if (body && childElement(body, namespaces.soap, 'Fault')) return 'soap fault'
  const response = body
    ? childElement(body, namespaces.samlp, 'LogoutResponse')
    : root.localName === 'LogoutResponse'
      ? root
      : undefined
  const status = response && childElement(response, namespaces.samlp, 'Status')
  const first = status && childElement(status, namespaces.samlp, 'StatusCode')
  if (!first) return undefined
  const second = childElement(first, namespaces.samlp, 'StatusCode')
  return `saml ${[first, second].flatMap((code) => (code ? [codeOf(code)] : [])).join(' ')}`
}

function codeOf(element: Element): string {
  const value = attributeOf(element, 'Value') ?? ''
  return value.startsWith(statusPrefix) ? value.slice(statusPrefix.length, 80) : 'other'
}
