import { type ErrorCode, IdpError } from '../errors.ts'
import { startResponse } from './assertion.ts'
import { statusPrefix } from './uris.ts'
import { type MessageKey, type RandomSource, signEnveloped } from './xml-signature.ts'
import { escapeText } from './xml-writer.ts'

/** Top-level codes: Core 3.2.2.2 allows no other at this place. */
export type TopLevelStatus = 'Success' | 'Requester' | 'Responder' | 'VersionMismatch'

export type SecondLevelStatus =
  | 'AuthnFailed'
  | 'InvalidNameIDPolicy'
  | 'NoAuthnContext'
  | 'NoPassive'
  | 'PartialLogout'
  | 'RequestDenied'
  | 'RequestUnsupported'
  | 'RequestVersionTooHigh'
  | 'RequestVersionTooLow'
  | 'UnknownPrincipal'
  | 'UnsupportedBinding'

/** What a samlp:Status says. The message is for the service's administrators, in English. */
export interface SamlStatus {
  readonly code: TopLevelStatus
  readonly secondLevel?: SecondLevelStatus
  readonly message?: string
}

/**
 * A failure the ServiceProvider is told about by a Status. Whoever catches it must know an
 * AssertionConsumerService from metadata to send it to; otherwise it is shown as a page like any
 * IdpError.
 */
export class SamlStatusError extends IdpError {
  readonly samlStatus: SamlStatus

  constructor(code: ErrorCode, samlStatus: SamlStatus & { readonly message: string }) {
    super(code, samlStatus.message)
    this.samlStatus = samlStatus
  }
}

export interface StatusResponseContent {
  readonly issuer: string
  readonly destination: string
  readonly inResponseTo?: string
  readonly status: SamlStatus
  readonly now: Date
}

/** A signed Response without an Assertion, which says why there is none (Core 3.2.2, 3.4.1.4). */
export async function buildStatusResponse(
  content: StatusResponseContent,
  key: MessageKey,
  random?: RandomSource,
): Promise<string> {
  const { before, id } = startResponse(content, random)
  return signEnveloped(
    { before, after: `${writeStatus(content.status)}</samlp:Response>`, id },
    key,
  )
}

/** A samlp:Status element; the prefix samlp must be in scope. */
export function writeStatus({ code, secondLevel, message }: SamlStatus): string {
  const inner = secondLevel
    ? `<samlp:StatusCode Value="${statusPrefix}${secondLevel}"></samlp:StatusCode>`
    : ''
  const text = message ? `<samlp:StatusMessage>${escapeText(message)}</samlp:StatusMessage>` : ''
  return `<samlp:Status><samlp:StatusCode Value="${statusPrefix}${code}">${inner}</samlp:StatusCode>${text}</samlp:Status>`
}
