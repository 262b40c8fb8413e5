import { type Request, type Response, Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { maskContact } from '../messages/mask.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { findUndo, type UndoCase, undoContactChange } from './contact-undo.ts'
import { sendNotice } from './notices.ts'

const path = '/account/contact/undo'

/**
 * What the link in a notice opens. Whoever lost the account cannot sign in, so the link alone proves
 * the old contact; a button does it, because mail programs open links by themselves.
 */
export function contactUndoRoutes(context: AppContext): Router {
  const router = Router()

  router.get(path, async (req, res) => {
    show(req, res, expect(await findUndo(context, req.query.token), res))
  })

  router.post(path, requireLoginCsrf, async (req, res) => {
    const token: unknown = req.body?.token
    const found = expect(await undoContactChange(context, token), res)
    const { account, change, isDone } = found
    if (!isDone) return show(req, res, found)
    const { kind, reference } = change
    context.audit.record({
      event: 'contact.undone',
      result: 'success',
      personId: account._id,
      username: account.username,
      ...requestOrigin(req),
      details: { kind, reference },
    })
    sendNotice(context, account, { kind: 'contact-restored', reference, language: languageOf(req) })
    res.redirect(303, `${path}?token=${encodeURIComponent(String(token))}`)
  })

  return router

  function expect<T extends UndoCase>(found: T | undefined, res: Response): T {
    if (!found) {
      throw new IdpError('ACCOUNT_UNDO_INVALID', 'no change is kept for this link', { status: 404 })
    }
    res.locals.reference = found.change.reference
    if (found.state === 'expired') {
      throw new IdpError('ACCOUNT_UNDO_INVALID', 'the change can no longer be undone', {
        status: 410,
      })
    }
    return found
  }

  function show(req: Request, res: Response, { state, change, account }: UndoCase): void {
    // The link is a secret: no other site learns it.
    res.setHeader('Referrer-Policy', 'no-referrer')
    const { kind, from, to, reference } = change
    renderPage(
      req,
      res,
      'account/contact/undo',
      {
        state,
        kind,
        reference,
        token: req.query.token ?? req.body?.token,
        from: from && maskContact(from),
        to: to && maskContact(to),
        username: account.username,
        errors: {},
      },
      state === 'overtaken' ? 409 : 200,
    )
  }
}
