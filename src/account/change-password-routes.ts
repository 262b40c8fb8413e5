import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { rememberDevice } from '../login/known-device.ts'
import { passwordMethod } from '../login/login-routes.ts'
import { signIn } from '../login/sign-in.ts'
import { loginThrottle } from '../login/throttle.ts'
import { maskedRecipients } from '../messages/recipients.ts'
import { passwordPage, readNewPassword } from '../passwords/new-password.ts'
import { passwordOwner } from '../passwords/password-owner.ts'
import { type PasswordPolicy, passwordRules } from '../passwords/password-rules.ts'
import { signInCounts } from '../people/account.ts'
import { findAccount } from '../people/people-store.ts'
import { startSession } from '../sso/sessions.ts'
import type { PageText } from '../web/page-text.ts'
import { sendNotice } from './notices.ts'
import { setPassword } from './set-password.ts'
import { showAccountPage, signedIn, type Visit } from './signed-in.ts'

const pagePath = '/account/password'
const donePath = `${pagePath}/done`
/** How long the page after the change can be opened again. */
const doneMs = 30 * 60_000

/** «Αλλαγή Κωδικού»: a new password for somebody who knows the present one. */
export function changePasswordRoutes(context: AppContext): Router {
  const router = Router()
  const throttle = loginThrottle(context)

  router.get(
    pagePath,
    signedIn(context, (visit) => showPassword(visit)),
  )

  router.post(
    pagePath,
    signedIn(context, async (visit) => {
      const { req, res, session, account, language } = visit
      const { currentPassword } = req.body ?? {}
      // A box that is not ticked is not sent: the hidden field before it says that it was there.
      const signOutElsewhere = req.body?.signOutElsewhere !== 'no'
      const choice = { signOutElsewhere }
      const read = readNewPassword(req.body ?? {}, policyOf(visit))
      const errors: Record<string, PageText> = {}
      if (typeof currentPassword !== 'string' || currentPassword === '') {
        errors.currentPassword = { key: 'account.password.error.currentMissing' }
      }
      if ('errors' in read) Object.assign(errors, read.errors)
      if (!('password' in read) || Object.keys(errors).length > 0) {
        return showPassword(visit, { errors, choice }, 422)
      }
      const { username } = account
      const proof = await signIn(
        context,
        throttle,
        req,
        { username, password: currentPassword },
        'password.check',
      )
      if (proof.outcome === 'throttled') {
        res.set('Retry-After', String(proof.minutes * 60))
        const values = { count: proof.minutes }
        const error = { key: 'account.password.error.throttled', values }
        return showPassword(visit, { errors: { currentPassword: error }, choice }, 429)
      }
      // Stopped since the request came: the next page leads to the sign-in, which says why.
      if (proof.outcome === 'standing') return res.redirect(303, pagePath)
      if (proof.outcome === 'refused') {
        const error = { key: 'account.password.error.currentWrong' }
        return showPassword(visit, { errors: { currentPassword: error }, choice }, 422)
      }
      const outcome = await setPassword(context, proof.account, read.password, {
        way: 'change',
        keepSessionId: session.id,
        keepAllSessions: !signOutElsewhere,
        origin: requestOrigin(req),
      })
      switch (outcome) {
        case 'used-before': {
          const error = { key: 'account.password.error.usedBefore' }
          return showPassword(visit, { errors: { password: error }, choice }, 422)
        }
        case 'changed-meanwhile': {
          const error = { key: 'account.password.error.changedMeanwhile' }
          return showPassword(visit, { errors: { currentPassword: error }, choice }, 409)
        }
        case 'not-allowed':
          return res.redirect(303, pagePath)
        case 'done': {
          sendNotice(context, account, { kind: 'password-changed', language })
          await goOn(visit)
          res.redirect(303, donePath)
        }
      }
    }),
  )

  router.get(
    donePath,
    signedIn(context, (visit) => {
      const { account, res } = visit
      const changedAt = account.passwordChangedAt?.getTime() ?? 0
      if (context.now().getTime() - changedAt > doneMs) return res.redirect(303, pagePath)
      showAccountPage(visit, 'password/done', {
        tab: 'password',
        contacts: maskedRecipients(account),
      })
    }),
  )

  return router

  /**
   * The sign-in goes on under a new cookie, so that a copy of the old one is worth nothing; unless
   * it was ended in the moment since, by a recovery or an undo.
   */
  async function goOn({ req, res, session }: Visit): Promise<void> {
    const account = await findAccount(session.personId)
    if (!account || !signInCounts(account, session)) return
    await startSession(context, req, account, passwordMethod)
    rememberDevice(context, res, account)
  }

  function policyOf({ person, account }: Visit): PasswordPolicy {
    return {
      rules: passwordRules(context.institution),
      owner: passwordOwner(context, person, account),
    }
  }

  function showPassword(
    visit: Visit,
    data: {
      errors?: Record<string, PageText>
      choice?: { readonly signOutElsewhere: boolean }
    } = {},
    status = 200,
  ): void {
    const { errors, choice } = data
    showAccountPage(
      visit,
      'password/password',
      {
        tab: 'password',
        username: visit.account.username,
        passwordPage: passwordPage(policyOf(visit)),
        signOutElsewhere: choice?.signOutElsewhere ?? true,
        ...(errors ? { errors } : {}),
      },
      status,
    )
  }
}
