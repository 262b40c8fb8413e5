import type { Request, RequestHandler, Response } from 'express'
import type { AppContext } from '../context.ts'
import type { Account } from '../people/account.ts'
import { findPerson } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import { currentSession } from '../sso/current-session.ts'
import { loginUrl, sealFlow } from '../sso/login-flow.ts'
import { endSession } from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { loadSubject } from '../sso/subject.ts'
import { checkCsrf } from '../web/csrf.ts'
import { type Language, languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import type { Translate } from '../web/translate.ts'
import { webParts } from '../web/web-parts.ts'

/** Tabs of the account's pages, as views/account/frame.njk knows them. */
export type AccountTab =
  | 'overview'
  | 'password'
  | 'contact'
  | 'information'
  | 'services'
  | 'signIns'
  | 'data'
  | 'safety'

/** A request of somebody whose account may sign in. */
export interface Visit {
  readonly req: Request
  readonly res: Response
  readonly session: SsoSession
  readonly account: Account
  /** With all roles, also those that are not activated. */
  readonly person: Person
  readonly language: Language
  readonly t: Translate
}

type VisitHandler = (visit: Visit) => Promise<void> | void

interface VisitOptions {
  /** The page that a form belongs to: the sign-in goes on there. Default: the request's own path. */
  readonly page?: string
  /** How old the sign-in may be where it must be fresh; `recentMs` below when absent. */
  readonly recentMs?: number
}

/** How long a sign-in counts for what needs a fresh one. */
const recentMs = 15 * 60_000

/**
 * A route for signed-in people; others sign in first and come back to the page. A POST must also
 * come from a page of ours (`requireCsrf`), which is asked after the sign-in: a form that was left
 * open until the session ended leads to the sign-in, not to an error.
 */
export function signedIn(
  context: AppContext,
  handle: VisitHandler,
  options: VisitOptions = {},
): RequestHandler {
  return visitRoute(context, handle, options, () => true)
}

/**
 * The same for what a stranger at an unlocked screen must not do: the password was proved in the
 * last 15 minutes, else it is asked for again.
 */
export function recentlySignedIn(
  context: AppContext,
  handle: VisitHandler,
  options: VisitOptions = {},
): RequestHandler {
  return visitRoute(context, handle, options, (session) =>
    isRecent(context, session, options.recentMs),
  )
}

/** Whether `recentlySignedIn` would let this session through now. */
export function isRecent(
  context: Pick<AppContext, 'now'>,
  session: Pick<SsoSession, 'authnInstant'>,
  withinMs: number = recentMs,
): boolean {
  return context.now().getTime() - session.authnInstant <= withinMs
}

/** Answers with a page of the account, under the navigation that it has a tab in. */
export function showAccountPage(
  { req, res }: Pick<Visit, 'req' | 'res'>,
  view: string,
  data: { readonly tab: AccountTab; readonly [name: string]: unknown },
  status = 200,
): void {
  renderPage(req, res, `account/${view}`, { errors: {}, values: {}, ...data }, status)
}

function visitRoute(
  context: AppContext,
  handle: VisitHandler,
  options: VisitOptions,
  isEnough: (session: SsoSession) => boolean,
): RequestHandler {
  return async (req, res) => {
    const page = options.page ?? req.path
    const session = currentSession(context, req)
    const subject = session && (await loadSubject(context, req, session))
    if (!session || !subject) {
      // Disabled or locked since: the sign-in page tells why, after the right password.
      if (session) await endSession(context, req)
      return res.redirect(303, loginUrl(sealFlow(context, { resume: page })))
    }
    if (!isEnough(session)) {
      const flow = { resume: page, forceAuthn: true, username: session.username }
      return res.redirect(303, loginUrl(sealFlow(context, flow)))
    }
    if (req.method === 'POST') await checkCsrf(req, res)
    // Back from the sign-in: the sealed flow has done its work and leaves the address.
    else if (req.query.flow !== undefined) return res.redirect(303, page)
    const { account } = subject
    const language = languageOf(req)
    await handle({
      req,
      res,
      session,
      account,
      person: await withAllRoles(subject.person, account),
      language,
      t: webParts(req).translations[language],
    })
  }
}

/** The session's person lacks the roles that are not activated. */
async function withAllRoles(person: Person, account: Account): Promise<Person> {
  return account.activatedRoles ? ((await findPerson(person._id)) ?? person) : person
}
