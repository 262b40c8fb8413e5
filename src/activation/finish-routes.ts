import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { ErrorCode } from '../errors.ts'
import { reachableServices } from '../login/home-routes.ts'
import { rememberDevice } from '../login/known-device.ts'
import { passwordMethod } from '../login/login-routes.ts'
import { wayBack } from '../login/way-back.ts'
import { maskedRecipients } from '../messages/recipients.ts'
import { passwordPage, readNewPassword } from '../passwords/new-password.ts'
import { passwordOwner } from '../passwords/password-owner.ts'
import { type PasswordPolicy, passwordRules } from '../passwords/password-rules.ts'
import { currentSession } from '../sso/current-session.ts'
import { startSession } from '../sso/sessions.ts'
import { loadSubject } from '../sso/subject.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { languageOf } from '../web/language.ts'
import type { PageText } from '../web/page-text.ts'
import { renderPage } from '../web/render.ts'
import { webParts } from '../web/web-parts.ts'
import type { ActivationPages, StepRequest } from './activation-page.ts'
import { noteEvent } from './attempt-store.ts'
import { complete } from './completion.ts'
import { sendConfirmations } from './done-messages.ts'
import { type ActivationSubject, loadActivationSubject, stop } from './record-check.ts'
import { showStopped } from './record-outcome.ts'

/** How long the last page can be opened again after the activation. Milliseconds. */
const doneMs = 30 * 60_000

/** How long the page of a stopped activation shows whose it was. Milliseconds. */
const stoppedMs = 15 * 60_000

/** Pages 6 and 7: the password, and the welcome; and the page of an attempt that was stopped. */
export function finishRoutes(pages: ActivationPages): Router {
  const { context } = pages
  const router = Router()

  router.get(
    '/register/password',
    pages.atStep(['password'], async (step) => {
      const subject = await loadPending(step)
      if (subject) showPassword(step, subject)
    }),
  )

  router.post(
    '/register/password',
    requireLoginCsrf,
    pages.atStep(['password'], async (step) => {
      const { attempt, req, res, language, t } = step
      const subject = await loadPending(step)
      if (!subject) return
      const isTermsMissing = req.body.terms !== 'yes'
      const chosen = readNewPassword(req.body, policyOf(subject))
      if ('errors' in chosen || isTermsMissing) {
        const errors = 'errors' in chosen ? chosen.errors : {}
        const problems = Object.values(errors).map(({ key }) => key)
        await noteEvent(context, attempt, 'password-refused', problems.join(', ') || 'terms')
        const values = { terms: isTermsMissing ? '' : 'yes' }
        return showPassword(step, subject, { errors, isTermsMissing, values }, 422)
      }
      const completion = await complete(context, attempt, chosen.password)
      if (completion.outcome !== 'done') {
        const isDone = completion.outcome === 'done-before'
        return isDone ? res.redirect(303, '/register/done') : pages.goOn(step)
      }
      const { account } = completion
      const session = await startSession(context, req, account, passwordMethod)
      rememberDevice(context, res, account)
      context.audit.record({
        event: 'activation.done',
        result: 'success',
        personId: account._id,
        username: account.username,
        sessionId: session.id,
        ...requestOrigin(req),
        details: { way: 'pin', reference: attempt.reference, role: attempt.role ?? '' },
      })
      sendConfirmations(context, account, { reference: attempt.reference, language, t })
      res.redirect(303, '/register/done')
      context.academicIds.wake()
    }),
  )

  router.get('/register/done', async (req, res) => {
    const attempt = await pages.find(req)
    const session = currentSession(context, req)
    const subject = session && (await loadSubject(context, req, session))
    const own = attempt?.step === 'done' && attempt.personId === session?.personId
    const activatedAt = subject?.account.activatedAt?.getTime() ?? 0
    const isFresh = context.now().getTime() - activatedAt < doneMs
    if (!subject || !(own || isFresh)) return res.redirect(303, subject ? '/' : '/login')
    const language = languageOf(req)
    const { account, person } = subject
    const finished = own ? attempt : undefined
    const services = await reachableServices(context, language)
    renderPage(req, res, 'activation/done', {
      reference: finished?.reference ?? account.activation?.reference,
      errors: {},
      firstName: person.firstName[language],
      username: account.username,
      mailAddress: `${account.username}@${context.config.scope}`,
      isSecondRole: finished?.isSecondRole === true,
      services,
      notices: finished?.isSecondRole ? [] : maskedRecipients(account),
      continueTo: await wayBack(context, finished?.flow, language),
    })
  })

  router.get('/register/stopped', async (req, res) => {
    const attempt = await pages.find(req)
    const code = attempt?.stoppedBy as ErrorCode | undefined
    if (!attempt || !code) return res.redirect(303, '/register')
    res.locals.reference = attempt.reference
    const language = languageOf(req)
    const t = webParts(req).translations[language]
    const step = { req, res, attempt, language, t, network: '' }
    // The next person at a shared computer has the cookie too: later nothing personal.
    const endedMs = (attempt.endedAt ?? attempt.startedAt).getTime()
    if (context.now().getTime() - endedMs >= stoppedMs) return pages.stop(step, code)
    await showStopped(pages, step, code)
  })

  return router

  function policyOf({ person, account }: ActivationSubject): PasswordPolicy {
    return {
      rules: passwordRules(context.institution),
      owner: passwordOwner(context, person, { username: account?.username ?? '' }),
    }
  }

  /** Who chooses the password; answers itself when the record has gone meanwhile. */
  async function loadPending(step: StepRequest): Promise<ActivationSubject | undefined> {
    const subject = await loadActivationSubject(context, step.attempt)
    if (subject?.account) return subject
    await stop(context, step.attempt, 'ACTIVATION_RECORD_CHANGED')
    await pages.goOn(step)
    return undefined
  }

  function showPassword(
    step: StepRequest,
    subject: ActivationSubject,
    data: {
      errors?: Record<string, PageText>
      isTermsMissing?: boolean
      values?: Record<string, string>
    } = {},
    status = 200,
  ) {
    pages.show(
      step,
      'password',
      {
        username: subject.account?.username,
        passwordPage: passwordPage(policyOf(subject)),
        isTermsMissing: false,
        ...data,
      },
      status,
    )
  }
}
