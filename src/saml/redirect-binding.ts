import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { IdpError } from '../errors.ts'
import { decodeXml, XmlError } from '../xml/safe-xml.ts'
import { checkRelayState, decodeBase64, messageLimits, tooLarge } from './message-limits.ts'
import { type MessageKey, signatureMethodOf } from './xml-signature.ts'

/** A message as a binding delivered it; nothing in it has been checked against any key. */
export interface ReceivedMessage {
  readonly xml: string
  readonly relayState?: string
  /** HTTP-Redirect only: the signature beside the message. HTTP-POST has it inside. */
  readonly querySignature?: QuerySignature
}

export interface QuerySignature {
  readonly algorithm: string
  readonly value: Buffer
  /** What was signed: the received octets themselves (Bindings 3.4.4.1). */
  readonly octets: Buffer
}

const deflateEncoding = 'urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE'
/** The parameter, or form field, that carries the message. */
export type MessageParameter = 'SAMLRequest' | 'SAMLResponse'
const messageParameters = [
  'SAMLRequest',
  'SAMLResponse',
  'RelayState',
  'SigAlg',
  'Signature',
  'SAMLEncoding',
]

/**
 * Reads a message from a query string. The query must be the one on the wire: a signature
 * covers its octets, and decoding and encoding again need not give them back.
 *
 * Bindings 3.4.4.1.
 *
 * @param query what follows `?`
 * @throws {IdpError} SAML_MESSAGE_INVALID or SAML_MESSAGE_TOO_LARGE
 */
export function readRedirectMessage(query: string, parameter: MessageParameter): ReceivedMessage {
  const raw = collectParameters(query)
  const encoded = raw.get(parameter)
  if (!encoded) throw new IdpError('SAML_MESSAGE_INVALID', `${parameter} is missing`)
  if (raw.has('SAMLRequest') && raw.has('SAMLResponse')) {
    throw new IdpError('SAML_MESSAGE_INVALID', 'SAMLRequest and SAMLResponse come together')
  }
  if (encoded.length > messageLimits.maxXmlBytes) {
    throw tooLarge(parameter, encoded.length, messageLimits.maxXmlBytes)
  }
  const encoding = raw.get('SAMLEncoding')
  if (encoding !== undefined && decodeParameter(encoding) !== deflateEncoding) {
    throw new IdpError('SAML_MESSAGE_INVALID', `SAMLEncoding is not ${deflateEncoding}`)
  }
  const relayState = decodeOptional(raw.get('RelayState'))
  checkRelayState(relayState)
  return {
    xml: inflate(decodeBase64(decodeParameter(encoded), parameter), parameter),
    relayState,
    querySignature: readSignature(raw, parameter),
  }
}

/** The same for a SAMLRequest. */
export function readRedirectRequest(query: string): ReceivedMessage {
  return readRedirectMessage(query, 'SAMLRequest')
}

/**
 * The address with a message in its query: signed beside it, nothing inside (Bindings 3.4.4.1).
 *
 * @param destination from the service's metadata; may have a query of its own
 */
export async function redirectUrl(
  destination: string,
  message: {
    readonly parameter: MessageParameter
    readonly xml: string
    readonly relayState?: string
  },
  key: MessageKey,
): Promise<string> {
  const { parameter, xml, relayState } = message
  const parts = [`${parameter}=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`]
  if (relayState !== undefined) parts.push(`RelayState=${encodeURIComponent(relayState)}`)
  const separator = destination.includes('?') ? '&' : '?'
  return `${destination}${separator}${await signQuery(parts, key)}`
}

/**
 * Signs a message for HTTP-Redirect: over the very octets that are sent (Bindings 3.4.4.1).
 *
 * @param parts `SAMLRequest=…` or `SAMLResponse=…`, and `RelayState=…` if there is one, encoded
 * @returns the whole query
 */
export async function signQuery(parts: readonly string[], key: MessageKey): Promise<string> {
  const octets = [...parts, `SigAlg=${encodeURIComponent(signatureMethodOf(key))}`].join('&')
  const signature = (await key.sign(Buffer.from(octets))).toString('base64')
  return `${octets}&Signature=${encodeURIComponent(signature)}`
}

/** What follows `?`, exactly as it came on the request line. */
export function rawQuery(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** The parameters as received, still encoded. One that occurs twice could be read two ways: refused. */
function collectParameters(query: string): Map<string, string> {
  const raw = new Map<string, string>()
  for (const pair of query.split('&')) {
    const split = pair.indexOf('=')
    const name = split < 0 ? pair : pair.slice(0, split)
    if (!messageParameters.includes(name)) continue
    if (raw.has(name)) throw new IdpError('SAML_MESSAGE_INVALID', `${name} occurs twice`)
    raw.set(name, split < 0 ? '' : pair.slice(split + 1))
  }
  return raw
}

function readSignature(
  raw: Map<string, string>,
  parameter: MessageParameter,
): QuerySignature | undefined {
  const sigAlg = raw.get('SigAlg')
  const signature = raw.get('Signature')
  if (sigAlg === undefined && signature === undefined) return undefined
  if (!sigAlg || !signature) {
    throw new IdpError('SAML_SIGNATURE_INVALID', 'SigAlg and Signature must come together')
  }
  const relayState = raw.get('RelayState')
  const signedRelayState = relayState === undefined ? '' : `&RelayState=${relayState}`
  return {
    algorithm: decodeParameter(sigAlg),
    value: decodeBase64(decodeParameter(signature), 'Signature'),
    octets: Buffer.from(
      `${parameter}=${raw.get(parameter)}${signedRelayState}&SigAlg=${sigAlg}`,
      'latin1',
    ),
  }
}

function decodeOptional(raw: string | undefined): string | undefined {
  return raw === undefined ? undefined : decodeParameter(raw)
}

function decodeParameter(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '))
  } catch (cause) {
    throw new IdpError('SAML_MESSAGE_INVALID', 'a parameter is not URL-encoded', { cause })
  }
}

/** Stops as soon as the output passes the limit: a bomb never unfolds. */
function inflate(deflated: Buffer, parameter: MessageParameter): string {
  let bytes: Buffer
  try {
    bytes = inflateRawSync(deflated, { maxOutputLength: messageLimits.maxXmlBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new IdpError(
        'SAML_MESSAGE_TOO_LARGE',
        `${parameter} inflates to more than ${messageLimits.maxXmlBytes} bytes`,
        { status: 413, cause },
      )
    }
    throw new IdpError('SAML_MESSAGE_INVALID', `${parameter} is not DEFLATE data`, { cause })
  }
  return decodeMessage(bytes, parameter)
}

/** @throws {IdpError} SAML_MESSAGE_INVALID when the bytes are not UTF-8 */
export function decodeMessage(bytes: Buffer, what: string): string {
  try {
    return decodeXml(bytes)
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    throw new IdpError('SAML_MESSAGE_INVALID', `${what}: ${cause.message}`, { cause })
  }
}
