import type { SigningKey } from '../keys/signing-key.ts'
import { attributeOf, childElement, childElements } from '../xml/safe-xml.ts'
import { readEncryptedNameId } from './decryption.ts'
import {
  invalid,
  parseInstant,
  type RequestMessage,
  readRequestMessage,
  simpleText,
} from './request-message.ts'
import { SamlStatusError } from './status-response.ts'
import { nameIdFormats, namespaces } from './uris.ts'

/** A samlp:LogoutRequest (Core 3.7.1), of right form. */
export interface LogoutRequest extends RequestMessage {
  readonly nameId?: { readonly format: string; readonly value: string }
  /** The same, saml:EncryptedID: see openNameId(). */
  readonly encryptedId?: Element
  /** Empty: all sessions of the principal at the service. */
  readonly sessionIndexes: readonly string[]
  readonly notOnOrAfter?: Date
  /** The service wants no LogoutResponse (Asynchronous Single Logout 1.0). */
  readonly isAsynchronous: boolean
}

/** A service has one a sign-in; a longer list is no list of somebody's sessions. */
const maxSessionIndexes = 50

/** @throws {IdpError} SAML_MESSAGE_INVALID */
export function readLogoutRequest(root: Element): LogoutRequest {
  const nameId = childElement(root, namespaces.saml, 'NameID')
  const notOnOrAfter = attributeOf(root, 'NotOnOrAfter')
  const identifiers = ['NameID', 'EncryptedID', 'BaseID'].flatMap((name) =>
    childElements(root, namespaces.saml, name),
  )
  if (identifiers.length !== 1) throw invalid('there must be exactly one NameID')
  const sessionIndexes = childElements(root, namespaces.samlp, 'SessionIndex').map(simpleText)
  if (sessionIndexes.length > maxSessionIndexes) {
    throw invalid(`there are ${sessionIndexes.length} SessionIndexes, at most ${maxSessionIndexes}`)
  }
  const extensions = childElement(root, namespaces.samlp, 'Extensions')
  return {
    ...readRequestMessage(root),
    nameId: nameId && {
      format: attributeOf(nameId, 'Format') ?? nameIdFormats.unspecified,
      value: simpleText(nameId),
    },
    encryptedId: childElement(root, namespaces.saml, 'EncryptedID'),
    sessionIndexes,
    notOnOrAfter:
      notOnOrAfter === undefined ? undefined : parseInstant(notOnOrAfter, 'NotOnOrAfter'),
    isAsynchronous:
      extensions !== undefined &&
      childElement(extensions, namespaces.asyncLogout, 'Asynchronous') !== undefined,
  }
}

/**
 * The request with its encrypted NameID in clear. Only once its signature has been verified.
 *
 * @param keys KeyRing.decrypting()
 */
export function openNameId(request: LogoutRequest, keys: readonly SigningKey[]): LogoutRequest {
  const { encryptedId, ...others } = request
  return encryptedId ? { ...others, nameId: readEncryptedNameId(encryptedId, keys) } : request
}

/** @throws {SamlStatusError} told to the service: the request is too old, or hides the NameID from us */
export function checkLogoutRequest(request: LogoutRequest, now: Date, clockSkewMs: number): void {
  if (request.notOnOrAfter && now.getTime() - clockSkewMs >= request.notOnOrAfter.getTime()) {
    throw new SamlStatusError('SAML_REQUEST_EXPIRED', {
      code: 'Requester',
      secondLevel: 'RequestDenied',
      message: `NotOnOrAfter was ${request.notOnOrAfter.toISOString()}`,
    })
  }
  if (!request.nameId) {
    throw new SamlStatusError('SAML_MESSAGE_INVALID', {
      code: 'Requester',
      secondLevel: 'RequestUnsupported',
      message:
        'LogoutRequest is supported with a NameID, or an EncryptedID that a key of ours opens',
    })
  }
}
