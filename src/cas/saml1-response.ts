import { randomBytes } from 'node:crypto'
import { escapeAttribute, escapeText } from '../xml/escape-xml.ts'
import { authnContextClass } from './authn-method.ts'
import type { Validated, ValidationFailure } from './validation.ts'

/** What CAS servers put as the namespace of attribute names; clients read the name alone. */
const attributeNamespace = 'http://www.ja-sig.org/products/cas/'
const artifactConfirmation = 'urn:oasis:names:tc:SAML:1.0:cm:artifact'
const unspecifiedMethod = 'urn:oasis:names:tc:SAML:1.0:am:unspecified'
const passwordMethod = 'urn:oasis:names:tc:SAML:1.0:am:password'

/** An answer is read at once. */
const validMs = 30_000

export interface Saml1Envelope {
  readonly issuer: string
  /** The service's address. */
  readonly recipient: string
  readonly inResponseTo: string
  readonly now: Date
  readonly clockSkewMs: number
}

/**
 * A SAML 1.1 Response with what the ticket says, in SOAP. Unsigned, as CAS servers send it: it goes
 * over the connection that the service opened to us, and to nobody else.
 */
export function saml1Success(validated: Validated, envelope: Saml1Envelope): string {
  const { user, record, attributes } = validated
  const { session, authnMethod, isFromNewLogin } = record
  const { issuer, recipient, now, clockSkewMs } = envelope
  const factor = authnContextClass(session, authnMethod)
  const facts: (readonly [name: string, values: readonly string[]])[] = [
    ...(factor === undefined ? [] : [['authnContextClass', [factor]] as const]),
    ['isFromNewLogin', [String(isFromNewLogin)]],
    ...attributes.map(({ definition, values }) => [definition.name, values] as const),
  ]
  const subject =
    `<saml1:Subject><saml1:NameIdentifier>${escapeText(user)}</saml1:NameIdentifier>` +
    `<saml1:SubjectConfirmation><saml1:ConfirmationMethod>${artifactConfirmation}</saml1:ConfirmationMethod></saml1:SubjectConfirmation></saml1:Subject>`
  const notBefore = new Date(now.getTime() - clockSkewMs).toISOString()
  const notOnOrAfter = new Date(now.getTime() + validMs + clockSkewMs).toISOString()
  const authnMethodUri = session.amr.includes('pwd') ? passwordMethod : unspecifiedMethod
  const assertion =
    `<saml1:Assertion xmlns:saml1="urn:oasis:names:tc:SAML:1.0:assertion" AssertionID="${newId()}" IssueInstant="${now.toISOString()}" Issuer="${escapeAttribute(issuer)}" MajorVersion="1" MinorVersion="1">` +
    `<saml1:Conditions NotBefore="${notBefore}" NotOnOrAfter="${notOnOrAfter}"><saml1:AudienceRestrictionCondition><saml1:Audience>${escapeText(recipient)}</saml1:Audience></saml1:AudienceRestrictionCondition></saml1:Conditions>` +
    `<saml1:AuthenticationStatement AuthenticationInstant="${new Date(session.authnInstant).toISOString()}" AuthenticationMethod="${authnMethodUri}">${subject}</saml1:AuthenticationStatement>` +
    `<saml1:AttributeStatement>${subject}${facts.map(attribute).join('')}</saml1:AttributeStatement>` +
    '</saml1:Assertion>'
  return wrap(
    envelope,
    `<saml1p:Status><saml1p:StatusCode Value="saml1p:Success"/></saml1p:Status>${assertion}`,
  )
}

/** The code and what is wrong, in English, as the StatusMessage. */
export function saml1Failure(
  { code, message }: Pick<ValidationFailure, 'code' | 'message'>,
  envelope: Saml1Envelope,
): string {
  return wrap(
    envelope,
    `<saml1p:Status><saml1p:StatusCode Value="saml1p:RequestDenied"/><saml1p:StatusMessage>${escapeText(`${code}: ${message}`)}</saml1p:StatusMessage></saml1p:Status>`,
  )
}

function wrap({ recipient, inResponseTo, now }: Saml1Envelope, content: string): string {
  const answers = inResponseTo ? ` InResponseTo="${escapeAttribute(inResponseTo)}"` : ''
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>' +
    `<saml1p:Response xmlns:saml1p="urn:oasis:names:tc:SAML:1.0:protocol"${answers} IssueInstant="${now.toISOString()}" MajorVersion="1" MinorVersion="1" Recipient="${escapeAttribute(recipient)}" ResponseID="${newId()}">` +
    `${content}</saml1p:Response></SOAP-ENV:Body></SOAP-ENV:Envelope>\n`
  )
}

function attribute([name, values]: readonly [string, readonly string[]]): string {
  const content = values
    .map((value) => `<saml1:AttributeValue>${escapeText(value)}</saml1:AttributeValue>`)
    .join('')
  return `<saml1:Attribute AttributeName="${escapeAttribute(name)}" AttributeNamespace="${attributeNamespace}">${content}</saml1:Attribute>`
}

function newId(): string {
  return `_${randomBytes(16).toString('hex')}`
}
