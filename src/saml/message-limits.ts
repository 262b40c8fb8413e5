import { IdpError } from '../errors.ts'

/** Bounds on what a service may send, looked at before anything is decoded or parsed. */
export const messageLimits = {
  /** Of the XML text, after inflation. A signed request with its certificate is about 4 kB. */
  maxXmlBytes: 65_536,
  maxDepth: 16,
  maxNodes: 1_000,
  /** Bindings 3.4.3 allows 80 bytes; services that put their target URL there need more. */
  maxRelayStateBytes: 2_048,
} as const

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * Decodes base64 and nothing that merely looks like it: Node's own decoder skips what it does not
 * know, so two texts could pass for one message.
 *
 * @throws {IdpError} SAML_MESSAGE_INVALID
 */
export function decodeBase64(text: string, what: string): Buffer {
  if (text === '' || !base64Pattern.test(text)) {
    throw new IdpError('SAML_MESSAGE_INVALID', `${what} is not base64`)
  }
  return Buffer.from(text, 'base64')
}

/** @throws {IdpError} SAML_MESSAGE_TOO_LARGE */
export function checkRelayState(relayState: string | undefined): void {
  if (relayState === undefined) return
  const bytes = Buffer.byteLength(relayState)
  if (bytes > messageLimits.maxRelayStateBytes) {
    throw tooLarge('RelayState', bytes, messageLimits.maxRelayStateBytes)
  }
}

export function tooLarge(what: string, bytes: number, allowed: number): IdpError {
  return new IdpError(
    'SAML_MESSAGE_TOO_LARGE',
    `${what} has ${bytes} bytes, at most ${allowed} are read`,
    {
      status: 413,
    },
  )
}
