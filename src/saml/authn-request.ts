import type { SigningKey } from '../keys/signing-key.ts'
import { attributeOf, childElement, childElements } from '../xml/safe-xml.ts'
import { readEncryptedNameId } from './decryption.ts'
import {
  invalid,
  parseMessage,
  type RequestMessage,
  readRequestMessage,
  simpleText,
} from './request-message.ts'
import { SamlStatusError } from './status-response.ts'
import { nameIdFormats, namespaces } from './uris.ts'

export interface NameIdPolicy {
  readonly format?: string
  readonly spNameQualifier?: string
  readonly allowCreate: boolean
}

export interface RequestedAuthnContext {
  readonly comparison: 'exact' | 'minimum' | 'maximum' | 'better'
  /** In order of preference. Empty when the service asked by declaration, which we never meet. */
  readonly classRefs: readonly string[]
}

/** The person the service wants signed in, and nobody else. */
export interface RequestedSubject {
  readonly format: string
  readonly value: string
}

/** A samlp:AuthnRequest (Core 3.4.1), of right form. Nothing has been checked against metadata yet. */
export interface AuthnRequest extends RequestMessage {
  readonly assertionConsumerServiceUrl?: string
  readonly assertionConsumerServiceIndex?: number
  readonly attributeConsumingServiceIndex?: number
  readonly protocolBinding?: string
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly nameIdPolicy?: NameIdPolicy
  readonly requestedAuthnContext?: RequestedAuthnContext
  readonly subject?: RequestedSubject
  /** The same, saml:EncryptedID: see openSubject(). */
  readonly encryptedSubject?: Element
  /** Something in it that we cannot do, to be told to the service. */
  readonly unsupported?: string
}

/** Children that the schema allows, each at most once. */
const allowedChildren = new Set([
  `${namespaces.saml} Issuer`,
  `${namespaces.ds} Signature`,
  `${namespaces.samlp} Extensions`,
  `${namespaces.saml} Subject`,
  `${namespaces.samlp} NameIDPolicy`,
  `${namespaces.saml} Conditions`,
  `${namespaces.samlp} RequestedAuthnContext`,
  `${namespaces.samlp} Scoping`,
])

/** @throws {IdpError} SAML_MESSAGE_INVALID */
export function parseAuthnRequest(xml: string): AuthnRequest {
  return readAuthnRequest(parseMessage(xml, 'AuthnRequest'))
}

/**
 * Reads the element. Extensions and Scoping are skipped: nothing in them is critical to us, and we
 * never pass a request on to another provider, which is what Scoping is about.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID
 */
export function readAuthnRequest(root: Element): AuthnRequest {
  checkChildren(root)
  const subject = childElement(root, namespaces.saml, 'Subject')
  return {
    ...readRequestMessage(root),
    assertionConsumerServiceUrl: attributeOf(root, 'AssertionConsumerServiceURL'),
    assertionConsumerServiceIndex: readIndex(root, 'AssertionConsumerServiceIndex'),
    attributeConsumingServiceIndex: readIndex(root, 'AttributeConsumingServiceIndex'),
    protocolBinding: attributeOf(root, 'ProtocolBinding'),
    forceAuthn: readBoolean(root, 'ForceAuthn'),
    isPassive: readBoolean(root, 'IsPassive'),
    nameIdPolicy: readNameIdPolicy(root),
    requestedAuthnContext: readRequestedAuthnContext(root),
    ...(subject && readSubject(subject)),
  }
}

/**
 * The request with its encrypted Subject in clear, read only when the request is signed. What cannot
 * be read is told to the service later, as unsupported, in the same words whatever was wrong.
 *
 * @param keys KeyRing.decrypting()
 */
export function openSubject(
  request: AuthnRequest,
  isSigned: boolean,
  keys: readonly SigningKey[],
): AuthnRequest {
  const { encryptedSubject, ...others } = request
  if (!encryptedSubject) return request
  if (!isSigned) {
    return { ...others, unsupported: 'An encrypted Subject is read in signed requests only' }
  }
  const subject = readEncryptedNameId(encryptedSubject, keys)
  return subject
    ? { ...others, subject }
    : { ...others, unsupported: 'The encrypted Subject cannot be read with a key of ours' }
}

/** @throws {SamlStatusError} SAML_MESSAGE_INVALID as Requester/RequestUnsupported */
export function checkSupported({ unsupported }: Pick<AuthnRequest, 'unsupported'>): void {
  if (unsupported === undefined) return
  throw new SamlStatusError('SAML_MESSAGE_INVALID', {
    code: 'Requester',
    secondLevel: 'RequestUnsupported',
    message: unsupported,
  })
}

function checkChildren(root: Element): void {
  const seen = new Set<string>()
  for (let child = root.firstChild; child; child = child.nextSibling) {
    if (child.nodeType !== 1) continue
    const element = child as Element
    const name = `${element.namespaceURI} ${element.localName}`
    if (!allowedChildren.has(name)) throw invalid(`<${element.tagName}> does not belong here`)
    if (seen.has(name)) throw invalid(`<${element.tagName}> occurs twice`)
    seen.add(name)
  }
}

function readNameIdPolicy(root: Element): NameIdPolicy | undefined {
  const policy = childElement(root, namespaces.samlp, 'NameIDPolicy')
  if (!policy) return undefined
  return {
    format: attributeOf(policy, 'Format'),
    spNameQualifier: attributeOf(policy, 'SPNameQualifier'),
    allowCreate: readBoolean(policy, 'AllowCreate'),
  }
}

const comparisons = ['exact', 'minimum', 'maximum', 'better'] as const

function readRequestedAuthnContext(root: Element): RequestedAuthnContext | undefined {
  const element = childElement(root, namespaces.samlp, 'RequestedAuthnContext')
  if (!element) return undefined
  const given = attributeOf(element, 'Comparison') ?? 'exact'
  const comparison = comparisons.find((known) => known === given)
  if (!comparison) throw invalid(`Comparison "${given.slice(0, 40)}" is not one of Core 3.3.2.2.1`)
  const classRefs = childElements(element, namespaces.saml, 'AuthnContextClassRef').map(simpleText)
  return { comparison, classRefs }
}

function readSubject(
  subject: Element,
): Pick<AuthnRequest, 'subject' | 'encryptedSubject' | 'unsupported'> {
  // Core 3.4.1: a request names who is meant, but confirmation is ours to give.
  if (childElement(subject, namespaces.saml, 'SubjectConfirmation')) {
    return { unsupported: 'Subject in an AuthnRequest must not contain a SubjectConfirmation' }
  }
  const nameId = childElement(subject, namespaces.saml, 'NameID')
  const encryptedSubject = childElement(subject, namespaces.saml, 'EncryptedID')
  if (!nameId && encryptedSubject) return { encryptedSubject }
  if (!nameId) return { unsupported: 'Subject is supported with a NameID or EncryptedID only' }
  const format = attributeOf(nameId, 'Format') ?? nameIdFormats.unspecified
  return { subject: { format, value: simpleText(nameId) } }
}

/** xs:boolean, absent means false. */
function readBoolean(element: Element, name: string): boolean {
  const text = attributeOf(element, name)?.trim()
  if (text === undefined || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw invalid(`${name} is "${text.slice(0, 20)}", expected true, false, 1 or 0`)
}

/** xs:unsignedShort. */
function readIndex(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name)?.trim()
  if (text === undefined) return undefined
  if (!/^\+?\d{1,6}$/.test(text) || Number(text) > 65_535) {
    throw invalid(`${name} is "${text.slice(0, 20)}", expected a number from 0 to 65535`)
  }
  return Number(text)
}
