import { IdpError } from '../errors.ts'
import { attributeOf, childElements, parseXml, textOf, XmlError } from '../xml/safe-xml.ts'
import { messageLimits } from './message-limits.ts'
import { SamlStatusError } from './status-response.ts'
import { namespaces } from './uris.ts'

/** What every request message says of itself (samlp:RequestAbstractType, Core 3.2.1). */
export interface RequestMessage {
  readonly id: string
  readonly version: string
  readonly issueInstant: Date
  readonly destination?: string
  /** entityID of the service, as it says itself. */
  readonly issuer: string
}

export type RequestName = 'AuthnRequest' | 'LogoutRequest' | 'LogoutResponse'

/**
 * Parses a message into its root element, under the limits for messages.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID
 */
export function parseMessage(xml: string, name: RequestName): Element {
  return named(parseWithinLimits(xml), name)
}

/**
 * The message inside a SOAP envelope: the Body's only child. Headers are passed over, unless the
 * sender insists on one (SOAP 1.1 section 4.2.3).
 *
 * Bindings 3.2.2.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID
 */
export function parseSoapMessage(xml: string, name: RequestName): Element {
  const envelope = parseWithinLimits(xml)
  if (envelope.namespaceURI !== namespaces.soap || envelope.localName !== 'Envelope') {
    throw invalid(`root element is <${envelope.tagName}>, expected a SOAP 1.1 Envelope`)
  }
  const headers = childElements(envelope, namespaces.soap, 'Header')
  const insists = headers.some((header) =>
    Array.from(header.childNodes).some(
      (entry) =>
        entry.nodeType === 1 &&
        (entry as Element).getAttributeNS(namespaces.soap, 'mustUnderstand') === '1',
    ),
  )
  if (insists) throw invalid('a SOAP header must be understood, and none is here')
  const [body, second] = childElements(envelope, namespaces.soap, 'Body')
  const messages = body
    ? Array.from(body.childNodes).filter((child): child is Element => child.nodeType === 1)
    : []
  const [message] = messages
  if (!message || messages.length > 1 || second) {
    throw invalid('a SOAP Envelope must have one Body with one message in it')
  }
  return named(message, name)
}

function parseWithinLimits(xml: string): Element {
  try {
    return parseXml(xml, {
      maxBytes: messageLimits.maxXmlBytes,
      maxDepth: messageLimits.maxDepth,
      maxNodes: messageLimits.maxNodes,
    }).documentElement
  } catch (cause) {
    if (cause instanceof XmlError) throw invalid(`the XML is refused: ${cause.message}`, cause)
    throw cause
  }
}

function named(root: Element, name: RequestName): Element {
  if (root.namespaceURI !== namespaces.samlp || root.localName !== name) {
    throw invalid(`root element is <${root.tagName}>, expected a SAML 2.0 ${name}`)
  }
  return root
}

/**
 * Reads the common part. The form is checked; whether it is for us, recent and signed is not.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID
 */
export function readRequestMessage(root: Element): RequestMessage {
  const id = required(root, 'ID')
  // xs:ID is an NCName; the length keeps InResponseTo within what others must accept.
  if (!/^[\p{L}_][\p{L}\p{N}\p{M}_.\-\u00B7]{0,255}$/u.test(id)) {
    throw invalid(`ID "${id.slice(0, 80)}" is not an xs:ID of at most 256 characters`)
  }
  return {
    id,
    version: required(root, 'Version'),
    issueInstant: parseInstant(required(root, 'IssueInstant'), 'IssueInstant'),
    destination: attributeOf(root, 'Destination'),
    issuer: readIssuer(root),
  }
}

function readIssuer(root: Element): string {
  const [issuer, second] = childElements(root, namespaces.saml, 'Issuer')
  if (!issuer || second) throw invalid('there must be exactly one Issuer')
  const format = attributeOf(issuer, 'Format')
  if (format !== undefined && format !== 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity') {
    throw invalid(`Issuer has the Format "${format}", expected entity (Profiles 4.1.4.1)`)
  }
  const value = simpleText(issuer)
  if (value === '' || value.length > 1024) throw invalid('Issuer is empty or too long')
  return value
}

/** What a request must fulfil to be meant for us, now. */
export interface RequestExpectation {
  /** The URL it came in at. */
  readonly destination: string
  readonly isSigned: boolean
  readonly now: Date
  readonly clockSkewMs: number
}

/** A request is answered when it arrives; an older one was kept, by a bookmark or by somebody. */
const maxRequestAgeMs = 5 * 60_000

/**
 * @throws {IdpError} SAML_DESTINATION_MISMATCH, SAML_REQUEST_EXPIRED: shown here, as such a message
 *   says nothing reliable about who sent it
 */
export function checkRequestMessage(message: RequestMessage, expected: RequestExpectation): void {
  const { destination } = message
  if (destination === undefined && expected.isSigned) {
    // Bindings 3.4.5.2 and 3.5.5.2: else a signed request could be sent on to another provider.
    throw new IdpError(
      'SAML_DESTINATION_MISMATCH',
      `Destination is absent, a signed request must carry "${expected.destination}"`,
    )
  }
  if (destination !== undefined && destination !== expected.destination) {
    throw new IdpError(
      'SAML_DESTINATION_MISMATCH',
      `Destination is "${destination}", expected "${expected.destination}"`,
    )
  }
  const ageMs = expected.now.getTime() - message.issueInstant.getTime()
  if (ageMs < -expected.clockSkewMs || ageMs > maxRequestAgeMs + expected.clockSkewMs) {
    throw new IdpError(
      'SAML_REQUEST_EXPIRED',
      `IssueInstant is ${message.issueInstant.toISOString()}, now is ${expected.now.toISOString()}`,
    )
  }
}

/** @throws {SamlStatusError} SAML_VERSION_UNSUPPORTED, as VersionMismatch (Core 3.2.2.2, 4.1.3.2) */
export function checkVersion({ version }: Pick<RequestMessage, 'version'>): void {
  if (version === '2.0') return
  const isHigher = Number.parseFloat(version) > 2
  throw new SamlStatusError('SAML_VERSION_UNSUPPORTED', {
    code: 'VersionMismatch',
    secondLevel: isHigher ? 'RequestVersionTooHigh' : 'RequestVersionTooLow',
    message: `Version is "${version.slice(0, 20)}", expected "2.0"`,
  })
}

const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,12})?(Z|[+-]\d\d:\d\d)?$/

/** xs:dateTime; without a zone it is UTC (Core 1.3.3). */
export function parseInstant(text: string, what: string): Date {
  const match = instantPattern.exec(text.trim())
  const instant = match ? new Date(match[1] ? match[0] : `${match[0]}Z`) : undefined
  if (!instant || Number.isNaN(instant.getTime())) {
    throw invalid(`${what} "${text.slice(0, 80)}" is not an instant`)
  }
  return instant
}

/** Text of an element that may hold nothing else; comments count for nothing. */
export function simpleText(element: Element): string {
  for (let child = element.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === 1) throw invalid(`<${element.tagName}> must hold text only`)
  }
  return textOf(element)
}

function required(root: Element, name: string): string {
  const value = attributeOf(root, name)
  if (value === undefined) throw invalid(`${name} is missing`)
  return value
}

export function invalid(message: string, cause?: unknown): IdpError {
  return new IdpError('SAML_MESSAGE_INVALID', message, { cause })
}
