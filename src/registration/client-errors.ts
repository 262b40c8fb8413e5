import type { Request, Response } from 'express'
import { IdpError } from '../errors.ts'
import { webParts } from '../web/web-parts.ts'
import type { RegistrationCheck } from './check-registration.ts'
import { describeFinding, type RegistrationFinding } from './registration-finding.ts'

/** How a client's software is told what is wrong (RFC 7591 section 3.2.2). */
export interface ClientRegistrationError {
  readonly error: 'invalid_redirect_uri' | 'invalid_client_metadata'
  /** English, in ASCII as the RFC wants it. */
  readonly error_description: string
}

/** The first of what stops a registration; the findings beside it say the rest. */
export function clientRegistrationError(
  req: Request,
  findings: readonly RegistrationFinding[],
): ClientRegistrationError {
  const stopping = findings.filter(({ severity }) => severity === 'stop')
  const ofAddresses = stopping.find(({ message = '' }) => /^redirect_uris(\[| must)/.test(message))
  const first = ofAddresses ?? stopping[0]
  const described = first && describeFinding(first, webParts(req).translations.en)
  const subject = described?.subject ? ` (${described.subject})` : ''
  return {
    error: ofAddresses ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    error_description: ascii(
      described ? (described.message ?? `${described.what}${subject} ${described.mend}`) : '',
    ),
  }
}

/** What a refused check says beside its findings when it is about a client. */
export function refusalOf(
  req: Request,
  text: string,
  { isGood, findings }: Pick<RegistrationCheck, 'isGood' | 'findings'>,
): ClientRegistrationError | undefined {
  return isGood || !isClientText(text) ? undefined : clientRegistrationError(req, findings)
}

/** RFC 7591 has 400 for clients. Other metadata are read well, and no use: 422. */
export function refusalStatus(text: string): 400 | 422 {
  return isClientText(text) ? 400 : 422
}

function isClientText(text: string): boolean {
  return text.trimStart().startsWith('{') && !/"cas_service"\s*:/.test(text)
}

/** Answers with one mistake that no finding is about. */
export function refuseClient(res: Response, description: string): void {
  const answer: ClientRegistrationError = {
    error: 'invalid_client_metadata',
    error_description: ascii(description),
  }
  res.status(400).json(answer)
}

/** Whether the body could not be read: ours and body-parser's errors of that kind. */
export function isUnreadableBody(error: unknown): error is Error {
  if (error instanceof IdpError) return error.code === 'BAD_REQUEST'
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown }
  return error instanceof Error && expose === true && status === 400
}

function ascii(text: string): string {
  return text
    .replaceAll(/[’‘]/g, "'")
    .replaceAll('…', '...')
    .replaceAll(/[^\x20-\x7e]+/g, '?')
    .replaceAll(/["\\]/g, "'")
}
