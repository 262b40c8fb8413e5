import type { AppContext } from '../context.ts'
import { type Account, accountStanding } from '../people/account.ts'
import { findPersonWithAccount } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import type { SsoSession } from './sso-session.ts'

export interface SessionSubject {
  readonly account: Account
  readonly person: Person
}

/**
 * The gate that no protocol goes round: who the session belongs to, read afresh, so that an account
 * that was disabled or a role that ended a moment ago counts at once.
 *
 * @returns undefined when the account no longer may sign in; the session is then worth nothing
 */
export async function loadSubject(
  context: Pick<AppContext, 'now'>,
  session: Pick<SsoSession, 'personId'>,
): Promise<SessionSubject | undefined> {
  return loadActiveSubject(session.personId, context.now())
}

/** The same question for holders of a token instead of a session. */
export async function loadActiveSubject(
  personId: string,
  now: Date,
): Promise<SessionSubject | undefined> {
  const subject = await findPersonWithAccount(personId)
  return subject && accountStanding(subject.account, now) === 'active' ? subject : undefined
}
