import type { IncomingMessage } from 'node:http'
import type { SessionSubject } from './subject.ts'

const subjects = new WeakMap<IncomingMessage, SessionSubject>()

/** Keeps, for this request alone, who its session belongs to, as read when the request came. */
export function rememberSubject(request: IncomingMessage, subject: SessionSubject): void {
  subjects.set(request, subject)
}

export function rememberedSubject(
  request: IncomingMessage,
  personId: string,
): SessionSubject | undefined {
  const subject = subjects.get(request)
  return subject?.person._id === personId ? subject : undefined
}
