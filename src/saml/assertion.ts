import type { ReleasedAttribute } from '../attributes/release-types.ts'
import { assertionLifetimeSeconds } from '../keys/signed-lifetimes.ts'
import { type AssertionEncryption, encryptAssertion } from './encryption.ts'
import {
  attributeNameFormatUnspecified,
  attributeNameFormatUri,
  bearerConfirmation,
  nameIdFormats,
  namespaces,
  statusPrefix,
} from './uris.ts'
import {
  type MessageKey,
  newMessageId,
  type RandomSource,
  signEnveloped,
  type UnsignedXml,
} from './xml-signature.ts'
import { escapeAttribute, escapeText } from './xml-writer.ts'

/** A saml:NameID as we write it. */
export interface NameId {
  readonly format: string
  readonly value: string
  readonly nameQualifier?: string
  readonly spNameQualifier?: string
}

/** Everything one successful Response says. */
export interface ResponseContent {
  /** Our entityID. */
  readonly issuer: string
  /** The ServiceProvider's entityID: the only Audience. */
  readonly audience: string
  /** Location of the AssertionConsumerService. */
  readonly destination: string
  /** ID of the AuthnRequest; absent when nobody asked (unsolicited). */
  readonly inResponseTo?: string
  readonly nameId: NameId
  readonly sessionIndex: string
  /** When the password was proved. */
  readonly authnInstant: Date
  /** When our session ends at the latest. */
  readonly sessionNotOnOrAfter: Date
  readonly authnContextClassRef: string
  readonly attributes: readonly ReleasedAttribute[]
  readonly now: Date
  readonly clockSkewMs: number
}

export interface ResponseProtection {
  readonly key: MessageKey
  readonly signAssertion: boolean
  /** Absent: the assertion goes in clear. */
  readonly encryption?: AssertionEncryption
}

const assertionLifetimeMs = assertionLifetimeSeconds * 1000

/**
 * Writes a signed successful Response with one Assertion, directly in exclusive-canonical form:
 * attributes in alphabetical order, every prefix declared on the first element that uses it, no
 * empty-element tags. A document model on this path would cost more than the signatures.
 *
 * SAML Core 3.3.3 and 2.3, Profiles 4.1.4.2; rules 22 to 26 of saml2int for identity providers.
 */
export async function buildResponse(
  content: ResponseContent,
  protection: ResponseProtection,
  random?: RandomSource,
): Promise<string> {
  const assertion = writeAssertion(content, random)
  const plain = protection.signAssertion
    ? await signEnveloped(assertion, protection.key)
    : assertion.before + assertion.after
  const body = protection.encryption
    ? encryptAssertion(plain, protection.encryption, random)
    : plain
  const { before, id } = startResponse(content, random)
  return signEnveloped(
    {
      before,
      after: `<samlp:Status><samlp:StatusCode Value="${statusPrefix}Success"></samlp:StatusCode></samlp:Status>${body}</samlp:Response>`,
      id,
    },
    protection.key,
  )
}

/** What all messages of ours begin with. */
type MessageStart = Pick<ResponseContent, 'issuer' | 'now'> & {
  /** Absent over SOAP, where an answer goes back over the connection. */
  readonly destination?: string
}

/** The start of an answer up to the end of its Issuer, where the signature goes (Core 3.2.2). */
export function startResponse(
  content: MessageStart & Pick<ResponseContent, 'inResponseTo'>,
  random?: RandomSource,
  name: 'Response' | 'LogoutResponse' = 'Response',
): { before: string; id: string } {
  const id = newMessageId(random)
  const inResponseTo = content.inResponseTo
    ? ` InResponseTo="${escapeAttribute(content.inResponseTo)}"`
    : ''
  return { before: startTags(name, content, { id, afterId: inResponseTo }), id }
}

/**
 * The start of a request of ours up to the end of its Issuer.
 *
 * @param attributes those that stand after IssueInstant in alphabetical order, with a space before each
 */
export function startMessage(
  name: 'LogoutRequest',
  content: MessageStart,
  attributes: string,
  random?: RandomSource,
): { before: string; id: string } {
  const id = newMessageId(random)
  return { before: startTags(name, content, { id, afterInstant: attributes }), id }
}

function startTags(
  name: string,
  content: MessageStart,
  { id, afterId = '', afterInstant = '' }: { id: string; afterId?: string; afterInstant?: string },
): string {
  const destination =
    content.destination === undefined
      ? ''
      : ` Destination="${escapeAttribute(content.destination)}"`
  return `<samlp:${name} xmlns:samlp="${namespaces.samlp}"${destination} ID="${id}"${afterId} IssueInstant="${content.now.toISOString()}"${afterInstant} Version="2.0"><saml:Issuer xmlns:saml="${namespaces.saml}">${escapeText(content.issuer)}</saml:Issuer>`
}

function writeAssertion(content: ResponseContent, random?: RandomSource): UnsignedXml {
  const id = newMessageId(random)
  const now = content.now.getTime()
  const notOnOrAfter = new Date(now + assertionLifetimeMs).toISOString()
  // Services whose clock is behind ours would refuse an assertion from their future.
  const notBefore = new Date(now - content.clockSkewMs).toISOString()
  const inResponseTo = content.inResponseTo
    ? ` InResponseTo="${escapeAttribute(content.inResponseTo)}"`
    : ''
  return {
    id,
    // The prefix is declared here, not on the Response: the element must stand alone when it has
    // been decrypted, and exclusive canonicalization would move the declaration here anyway.
    before: `<saml:Assertion xmlns:saml="${namespaces.saml}" ID="${id}" IssueInstant="${content.now.toISOString()}" Version="2.0"><saml:Issuer>${escapeText(content.issuer)}</saml:Issuer>`,
    after:
      `<saml:Subject>${writeNameId(content.nameId)}<saml:SubjectConfirmation Method="${bearerConfirmation}">` +
      `<saml:SubjectConfirmationData${inResponseTo} NotOnOrAfter="${notOnOrAfter}" Recipient="${escapeAttribute(content.destination)}"></saml:SubjectConfirmationData>` +
      `</saml:SubjectConfirmation></saml:Subject>` +
      `<saml:Conditions NotBefore="${notBefore}" NotOnOrAfter="${notOnOrAfter}"><saml:AudienceRestriction><saml:Audience>${escapeText(content.audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
      `<saml:AuthnStatement AuthnInstant="${content.authnInstant.toISOString()}" SessionIndex="${escapeAttribute(content.sessionIndex)}" SessionNotOnOrAfter="${content.sessionNotOnOrAfter.toISOString()}">` +
      `<saml:AuthnContext><saml:AuthnContextClassRef>${escapeText(content.authnContextClassRef)}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
      `${writeAttributeStatement(content)}</saml:Assertion>`,
  }
}

/** A saml:NameID; the prefix saml must be in scope. */
export function writeNameId({ format, value, nameQualifier, spNameQualifier }: NameId): string {
  const qualifiers =
    (nameQualifier ? ` NameQualifier="${escapeAttribute(nameQualifier)}"` : '') +
    (spNameQualifier ? ` SPNameQualifier="${escapeAttribute(spNameQualifier)}"` : '')
  return `<saml:NameID Format="${escapeAttribute(format)}"${qualifiers}>${escapeText(value)}</saml:NameID>`
}

/** AttributeStatement must not be empty (Core 2.7.3), so with nothing to say there is none. */
function writeAttributeStatement(content: ResponseContent): string {
  let attributes = ''
  for (const { definition, samlName, values } of content.attributes) {
    if (values.length === 0) continue
    let written = ''
    for (const value of values) {
      // eduPersonTargetedID is the one attribute whose value is an element (eduPerson 2.2.9).
      const inner =
        definition.samlSyntax === 'name-id'
          ? writeNameId({
              format: nameIdFormats.persistent,
              value,
              nameQualifier: content.issuer,
              spNameQualifier: content.audience,
            })
          : escapeText(value)
      written += `<saml:AttributeValue>${inner}</saml:AttributeValue>`
    }
    const nameFormat =
      definition.samlNameFormat === undefined
        ? attributeNameFormatUri
        : attributeNameFormatUnspecified
    attributes += `<saml:Attribute FriendlyName="${escapeAttribute(definition.name)}" Name="${escapeAttribute(samlName)}" NameFormat="${nameFormat}">${written}</saml:Attribute>`
  }
  return attributes && `<saml:AttributeStatement>${attributes}</saml:AttributeStatement>`
}
