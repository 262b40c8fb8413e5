import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { ErrorCode } from '../errors.ts'
import { rememberDevice } from '../login/known-device.ts'
import { passwordMethod } from '../login/login-routes.ts'
import { wayBack } from '../login/way-back.ts'
import { maskedRecipients } from '../messages/recipients.ts'
import { passwordPage, readNewPassword } from '../passwords/new-password.ts'
import { passwordOwner } from '../passwords/password-owner.ts'
import { type PasswordPolicy, passwordRules } from '../passwords/password-rules.ts'
import type { Account } from '../people/account.ts'
import {
  findAccount,
  findPersonWithAccount,
  type PersonWithAccount,
} from '../people/people-store.ts'
import { currentSession } from '../sso/current-session.ts'
import { startSession } from '../sso/sessions.ts'
import { loadSubject } from '../sso/subject.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import type { PageText } from '../web/page-text.ts'
import { sendNotice } from './notices.ts'
import type { RecoveryAttempt } from './recovery.ts'
import { recoveryFailure } from './recovery-match.ts'
import type { RecoveryPages, RecoveryRequest } from './recovery-page.ts'
import { endRecovery, noteRecovery, reloadRecovery } from './recovery-store.ts'
import { setPassword } from './set-password.ts'

/** How long the last page can be opened again after the change. Milliseconds. */
const doneMs = 30 * 60_000

/** The new password, and what follows from it; and the page of a recovery that was stopped. */
export function recoveryPasswordRoutes(pages: RecoveryPages): Router {
  const { context } = pages
  const router = Router()

  router.get(
    '/account/recover/password',
    pages.atStep('password', async (request) => {
      const subject = await loadOwner(request)
      if (subject) showPassword(request, subject)
    }),
  )

  router.post(
    '/account/recover/password',
    requireLoginCsrf,
    pages.atStep('password', async (request) => {
      const { attempt, req, res, language } = request
      const subject = await loadOwner(request)
      if (!subject) return
      const chosen = readNewPassword(req.body, policyOf(subject))
      if ('errors' in chosen) return refuse(request, subject, chosen.errors)
      const { reference, channel, contact = '' } = attempt
      const outcome = await setPassword(context, subject.account, chosen.password, {
        way: 'recovery',
        reference,
        contact: { kind: channel === 'sms' ? 'mobile' : 'email', value: contact },
        origin: requestOrigin(req),
      })
      switch (outcome) {
        case 'used-before':
          return refuse(request, subject, { password: { key: 'account.recover.error.usedBefore' } })
        case 'not-allowed':
          return pages.end(request, 'ACCOUNT_CHANGED_MEANWHILE')
        case 'changed-meanwhile':
          return overtaken(request)
        case 'done': {
          await endRecovery(context, attempt, { event: 'done', set: { step: 'done' } })
          // As it is now: the sign-ins that count begin with this change.
          const account = (await findAccount(subject.account._id)) as Account
          const session = await startSession(context, req, account, passwordMethod)
          rememberDevice(context, res, account)
          context.audit.record({
            event: 'recovery.done',
            result: 'success',
            personId: account._id,
            username: account.username,
            sessionId: session.id,
            ...requestOrigin(req),
            details: { reference, channel },
          })
          sendNotice(context, account, { kind: 'password-recovered', reference, language })
          res.redirect(303, '/account/recover/done')
        }
      }
    }),
  )

  router.get('/account/recover/done', async (req, res) => {
    const visit = pages.visit(req, res)
    const attempt = await pages.find(req)
    const session = currentSession(context, req)
    const subject = session && (await loadSubject(context, req, session))
    if (!subject) return res.redirect(303, '/login')
    const { account } = subject
    const own = attempt?.step === 'done' && attempt.personId === account._id
    const changedAt = account.passwordChangedAt?.getTime() ?? 0
    if (!own && context.now().getTime() - changedAt >= doneMs) return res.redirect(303, '/')
    if (own) res.locals.reference = attempt.reference
    pages.show(visit, 'done', {
      username: account.username,
      notices: maskedRecipients(account),
      continueTo: own ? await wayBack(context, attempt.flow, visit.language) : undefined,
    })
  })

  router.get('/account/recover/stopped', async (req, res) => {
    const attempt = await pages.find(req)
    if (!attempt?.stoppedBy) return res.redirect(303, '/account/recover')
    res.locals.reference = attempt.reference
    pages.stop(pages.visit(req, res), attempt.stoppedBy as ErrorCode)
  })

  return router

  /**
   * Whose password it is, if everything still is as it was when the code was sent; answers itself
   * when not: somebody who took the contact away, or changed the password, may have done so because
   * of this very recovery.
   */
  async function loadOwner(request: RecoveryRequest): Promise<PersonWithAccount | undefined> {
    const { attempt } = request
    const subject = await findPersonWithAccount(attempt.personId ?? '')
    const problem = subject ? changeSince(attempt, subject.account) : 'ACCOUNT_CHANGED_MEANWHILE'
    if (!problem) return subject
    await pages.end(request, problem)
    return undefined
  }

  function changeSince(attempt: RecoveryAttempt, account: Account): ErrorCode | undefined {
    const [then, now] = [attempt.passwordChangedAt, account.passwordChangedAt]
    if (then?.getTime() !== now?.getTime()) return 'ACCOUNT_PASSWORD_CHANGED_MEANWHILE'
    const { channel, contact = '' } = attempt
    return recoveryFailure(context, account, channel, contact)
      ? 'ACCOUNT_CHANGED_MEANWHILE'
      : undefined
  }

  /** The same form in another tab, or another recovery, a change or a passphrase, was faster. */
  async function overtaken(request: RecoveryRequest): Promise<void> {
    const current = await reloadRecovery(request.attempt)
    if (current?.step === 'done') return pages.goOn(request)
    return pages.end(request, 'ACCOUNT_PASSWORD_CHANGED_MEANWHILE')
  }

  async function refuse(
    request: RecoveryRequest,
    subject: PersonWithAccount,
    errors: Record<string, PageText>,
  ): Promise<void> {
    const keys = Object.values(errors).map(({ key }) => key)
    await noteRecovery(context, request.attempt, 'password-refused', keys.join(', '))
    showPassword(request, subject, errors, 422)
  }

  function showPassword(
    request: RecoveryRequest,
    subject: PersonWithAccount,
    errors: Record<string, PageText> = {},
    status = 200,
  ): void {
    const { username } = subject.account
    const data = { username, passwordPage: passwordPage(policyOf(subject)), errors }
    pages.show(request, 'password', data, status)
  }

  function policyOf({ person, account }: PersonWithAccount): PasswordPolicy {
    return {
      rules: passwordRules(context.institution),
      owner: passwordOwner(context, person, account),
    }
  }
}
