import type { Request, Response } from 'express'
import { textOf } from './login-request.ts'
import type { AnswerBody, AnswerFormat } from './validation-answer.ts'

/** What a SOAP request may have at most; a ticket and its envelope are a tenth of that. */
export const maxSoapBytes = '16kb'

/** What the service wants the answer in (CAS Protocol 2.5.1). */
export function formatOf({ query }: Request): AnswerFormat {
  return textOf(query.format)?.toUpperCase() === 'JSON' ? 'JSON' : 'XML'
}

/** Failures too are answers of the protocol, with status 200. */
export function sendAnswer(res: Response, { contentType, body }: AnswerBody): void {
  res.set({ 'Content-Type': contentType, 'Cache-Control': 'no-store' })
  res.end(body)
}
