import type { IncomingMessage } from 'node:http'
import type { AppContext } from '../context.ts'
import { accountStanding, signInCounts } from '../people/account.ts'
import { withActivatedRoles } from '../people/activated-roles.ts'
import { findPersonWithAccount, type PersonWithAccount } from '../people/people-store.ts'
import { rememberedSubject } from './request-subject.ts'
import type { SsoSession } from './sso-session.ts'

/** The person has only the roles that the account activated: no other counts anywhere. */
export type SessionSubject = PersonWithAccount

/**
 * The gate that no protocol goes round: who the session belongs to, as the store had it when this
 * request came, so that an account that was disabled or a role that ended a moment ago counts at once.
 *
 * @returns undefined when the account no longer may sign in, or its sign-ins were ended since; the
 *   session is then worth nothing
 */
export async function loadSubject(
  context: Pick<AppContext, 'now'>,
  request: IncomingMessage,
  session: Pick<SsoSession, 'id' | 'personId' | 'generation'>,
): Promise<SessionSubject | undefined> {
  const subject =
    rememberedSubject(request, session.personId) ?? (await findPersonWithAccount(session.personId))
  return subject && signInCounts(subject.account, session)
    ? ifActive(subject, context.now())
    : undefined
}

/**
 * The same question for holders of a token instead of a session. Whether the sign-in that the token
 * came from still counts, its grant tells.
 */
export async function loadActiveSubject(
  personId: string,
  now: Date,
): Promise<SessionSubject | undefined> {
  return ifActive(await findPersonWithAccount(personId), now)
}

function ifActive(subject: PersonWithAccount | undefined, now: Date): SessionSubject | undefined {
  if (!subject || accountStanding(subject.account, now) !== 'active') return undefined
  const person = withActivatedRoles(subject.person, subject.account)
  return person === subject.person ? subject : { ...subject, person }
}
