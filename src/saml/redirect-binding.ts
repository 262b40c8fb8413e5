import { inflateRawSync } from 'node:zlib'
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
const messageParameters = ['SAMLRequest', 'RelayState', 'SigAlg', 'Signature', 'SAMLEncoding']

/**
 * Reads a SAMLRequest from a query string. The query must be the one on the wire: a signature
 * covers its octets, and decoding and encoding again need not give them back.
 *
 * Bindings 3.4.4.1.
 *
 * @param query what follows `?`
 * @throws {IdpError} SAML_MESSAGE_INVALID or SAML_MESSAGE_TOO_LARGE
 */
export function readRedirectRequest(query: string): ReceivedMessage {
  const raw = collectParameters(query)
  const encoded = raw.get('SAMLRequest')
  if (!encoded) throw new IdpError('SAML_MESSAGE_INVALID', 'SAMLRequest is missing')
  if (encoded.length > messageLimits.maxXmlBytes) {
    throw tooLarge('SAMLRequest', encoded.length, messageLimits.maxXmlBytes)
  }
  const encoding = raw.get('SAMLEncoding')
  if (encoding !== undefined && decodeParameter(encoding) !== deflateEncoding) {
    throw new IdpError('SAML_MESSAGE_INVALID', `SAMLEncoding is not ${deflateEncoding}`)
  }
  const relayState = decodeOptional(raw.get('RelayState'))
  checkRelayState(relayState)
  return {
    xml: inflate(decodeBase64(decodeParameter(encoded), 'SAMLRequest')),
    relayState,
    querySignature: readSignature(raw),
  }
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

function readSignature(raw: Map<string, string>): QuerySignature | undefined {
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
      `SAMLRequest=${raw.get('SAMLRequest')}${signedRelayState}&SigAlg=${sigAlg}`,
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
function inflate(deflated: Buffer): string {
  let bytes: Buffer
  try {
    bytes = inflateRawSync(deflated, { maxOutputLength: messageLimits.maxXmlBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new IdpError(
        'SAML_MESSAGE_TOO_LARGE',
        `SAMLRequest inflates to more than ${messageLimits.maxXmlBytes} bytes`,
        { status: 413, cause },
      )
    }
    throw new IdpError('SAML_MESSAGE_INVALID', 'SAMLRequest is not DEFLATE data', { cause })
  }
  return decodeMessage(bytes)
}

/** @throws {IdpError} SAML_MESSAGE_INVALID when the bytes are not UTF-8 */
export function decodeMessage(bytes: Buffer): string {
  try {
    return decodeXml(bytes)
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    throw new IdpError('SAML_MESSAGE_INVALID', `SAMLRequest: ${cause.message}`, { cause })
  }
}
