import { IdpError } from '../errors.ts'
import { checkRelayState, decodeBase64, messageLimits, tooLarge } from './message-limits.ts'
import { decodeMessage, type MessageParameter, type ReceivedMessage } from './redirect-binding.ts'

/**
 * Reads a message from the fields of a form (Bindings 3.5.4). Line breaks inside the base64 are
 * usual here and dropped; a signature, if any, is inside the XML.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID or SAML_MESSAGE_TOO_LARGE
 */
export function readPostMessage(
  form: Readonly<Record<string, unknown>>,
  parameter: MessageParameter,
): ReceivedMessage {
  const { [parameter]: encoded, RelayState: relayState } = form
  if (typeof encoded !== 'string' || encoded === '') {
    throw new IdpError('SAML_MESSAGE_INVALID', `${parameter} is missing or occurs twice`)
  }
  if (relayState !== undefined && typeof relayState !== 'string') {
    throw new IdpError('SAML_MESSAGE_INVALID', 'RelayState occurs twice')
  }
  const maxCharacters = messageLimits.maxXmlBytes * 1.5
  if (encoded.length > maxCharacters) throw tooLarge(parameter, encoded.length, maxCharacters)
  checkRelayState(relayState)
  const bytes = decodeBase64(encoded.replace(/[\r\n\t ]+/g, ''), parameter)
  if (bytes.length > messageLimits.maxXmlBytes) {
    throw tooLarge(parameter, bytes.length, messageLimits.maxXmlBytes)
  }
  return { xml: decodeMessage(bytes, parameter), relayState }
}

/** The same for a SAMLRequest. */
export function readPostRequest(form: Readonly<Record<string, unknown>>): ReceivedMessage {
  return readPostMessage(form, 'SAMLRequest')
}
