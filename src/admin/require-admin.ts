import type { RequestHandler } from 'express'
import { recentlySignedIn, signedIn, type Visit } from '../account/signed-in.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'

/** How old the proof of a password may be for what changes something. Milliseconds. */
const recentMs = 10 * 60_000

type AdminHandler = (visit: Visit) => Promise<void> | void

/**
 * A page for administrators. Others sign in first; who has no right gets an error page. The account
 * is read with each request, so a right that was taken a moment ago no longer opens anything.
 */
export function adminPage(context: AppContext, handle: AdminHandler): RequestHandler {
  return signedIn(context, (visit) => {
    requireAdmin(context, visit)
    return handle(visit)
  })
}

/**
 * Something that an administrator does, by POST from a page of ours; the password was proved in the
 * last ten minutes, else it is asked for again and the person comes back to `page`.
 */
export function adminAction(
  context: AppContext,
  page: string,
  handle: AdminHandler,
): RequestHandler {
  return recentlySignedIn(
    context,
    (visit) => {
      requireAdmin(context, visit)
      return handle(visit)
    },
    { page, recentMs },
  )
}

/** @throws {IdpError} ADMIN_RIGHT_REQUIRED (403) */
function requireAdmin(context: AppContext, { req, account, session }: Visit): void {
  if (account.adminRight) return
  context.audit.record({
    event: 'admin.refused',
    result: 'failure',
    reason: 'ADMIN_RIGHT_REQUIRED',
    personId: account._id,
    username: account.username,
    sessionId: session.id,
    ...requestOrigin(req),
    details: { path: req.path },
  })
  throw new IdpError(
    'ADMIN_RIGHT_REQUIRED',
    `${account.username} is no administrator; if they should be: npx propylaia admin grant ${account.username}`,
    { status: 403 },
  )
}
