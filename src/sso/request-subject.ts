import type { IncomingMessage } from 'node:http'
import type { PersonWithAccount } from '../people/people-store.ts'

const subjects = new WeakMap<IncomingMessage, PersonWithAccount>()

/** Keeps, for this request alone, who its session belongs to, as read when the request came. */
export function rememberSubject(request: IncomingMessage, subject: PersonWithAccount): void {
  subjects.set(request, subject)
}

export function rememberedSubject(
  request: IncomingMessage,
  personId: string,
): PersonWithAccount | undefined {
  const subject = subjects.get(request)
  return subject?.person._id === personId ? subject : undefined
}
