import { signInCounts } from '../people/account.ts'
import { sessionExists } from '../sso/sessions.ts'
import { loadActiveSubject, type SessionSubject } from '../sso/subject.ts'
import type { TicketSession } from './ticket-model.ts'

/**
 * The gate, where there is a ticket instead of a browser: who the ticket is about, if the account may
 * still sign in and the sign-in that it came from still stands.
 */
export async function loadTicketSubject(
  session: Pick<TicketSession, 'id' | 'generation' | 'personId'>,
  now: Date,
): Promise<SessionSubject | undefined> {
  const [subject, stands] = await Promise.all([
    loadActiveSubject(session.personId, now),
    sessionExists(session.id, now),
  ])
  return stands && subject && signInCounts(subject.account, session) ? subject : undefined
}
