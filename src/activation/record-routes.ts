import { Router } from 'express'
import { currentSession } from '../sso/current-session.ts'
import { loginUrl, sealFlow } from '../sso/login-flow.ts'
import { loadSubject } from '../sso/subject.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formText } from '../web/form-text.ts'
import type { PageText } from '../web/page-text.ts'
import { type ActivationPages, activationCookie, type StepRequest } from './activation-page.ts'
import { endAttempt, noteEvent } from './attempt-store.ts'
import { agree, completeSecondRole } from './completion.ts'
import { countriesIn } from './countries.ts'
import { readNumber, takeNumber } from './given-number-step.ts'
import { type ActivationSubject, loadActivationSubject, stop } from './record-check.ts'
import { showMismatch, showRecord, showRecordCheck } from './record-outcome.ts'
import { recordedContacts, reviewFacts } from './review-facts.ts'

/** Pages 4 and 5: the number that the record lacks, and the review with its consents. */
export function recordRoutes(pages: ActivationPages): Router {
  const { context, limiter } = pages
  const router = Router()

  router.get(
    '/register/number',
    pages.atStep(['number'], async (step) => {
      const subject = await loadActivationSubject(context, step.attempt)
      const lacksNumber = subject?.person.nationalNumbers.length === 0
      // The registry was away, or the server stopped, before the recorded number was checked.
      if (!lacksNumber) return pages.stop(step, 'ACTIVATION_AMKA_UNREACHABLE')
      showNumber(step, step.req.query.kind === 'foreign' ? 'foreign' : 'amka', {})
    }),
  )

  router.post(
    '/register/number/again',
    requireLoginCsrf,
    pages.atStep(['number'], (step) => showRecord(pages, step)),
  )

  router.post(
    '/register/number',
    requireLoginCsrf,
    pages.atStep(['number'], async (step) => {
      const { attempt, req } = step
      const values = {
        amka: formText(req.body.amka),
        ssnCountry: formText(req.body.ssnCountry),
        ssn: formText(req.body.ssn),
      }
      const isForeign = req.body.ssn !== undefined || req.body.ssnCountry !== undefined
      const kind = isForeign && values.amka === '' ? 'foreign' : 'amka'
      const { given, errors } = readNumber({ kind, ...values })
      if (errors) return showNumber(step, kind, { values, errors }, 422)
      const check = await takeNumber(context, limiter, attempt, given)
      if (check.outcome !== 'mismatch') return showRecordCheck(pages, step, check)
      const subject = await loadActivationSubject(context, attempt)
      if (!subject) return pages.goOn(step)
      showMismatch(pages, step, subject, { amka: given.number, isGiven: true })
    }),
  )

  router.get(
    '/register/review',
    pages.atStep(['review', 'password'], async (step) => {
      const subject = await loadReviewed(step)
      if (subject) showReview(step, subject)
    }),
  )

  router.post(
    '/register/review',
    requireLoginCsrf,
    pages.atStep(['review', 'password'], async (step) => {
      const { attempt, req, res } = step
      const subject = await loadReviewed(step)
      if (!subject?.account) return
      const decision = formText(req.body.decision)
      if (decision === 'disagree') {
        await noteEvent(context, attempt, 'disagreed')
        return res.redirect(303, '/register/disagree')
      }
      if (decision !== 'agree') return showReview(step, subject, 422)
      const agreed = await agree(context, attempt, {
        username: subject.account.username,
        consentMobile: req.body.consentMobile === 'yes',
        consentEmail: req.body.consentEmail === 'yes',
      })
      if (!agreed?.isSecondRole) return pages.goOn(step)
      const completion = await completeSecondRole(context, agreed)
      if (completion.outcome === 'done') {
        context.audit.record({
          event: 'activation.role',
          result: 'success',
          personId: completion.account._id,
          username: completion.account.username,
          address: req.ip,
          details: { reference: attempt.reference, role: attempt.role ?? '' },
        })
      }
      return pages.goOn(step)
    }),
  )

  router.get(
    '/register/disagree',
    pages.atStep(['review', 'password'], (step) => pages.show(step, 'disagree')),
  )

  // Also for an attempt that was stopped: its page may be on a shared computer.
  router.post('/register/leave', requireLoginCsrf, async (req, res) => {
    const attempt = await pages.find(req)
    if (attempt) await endAttempt(context, attempt, { event: 'left' })
    activationCookie.clear(context, res)
    res.redirect(303, '/register')
  })

  return router

  function showNumber(
    step: StepRequest,
    kind: 'amka' | 'foreign',
    data: { values?: object; errors?: Record<string, PageText> },
    status = 200,
  ) {
    const countries = kind === 'foreign' ? countriesIn(step.language) : []
    pages.show(step, 'number', { kind, countries, ...data }, status)
  }

  /**
   * Who is reviewed; answers itself when nobody can be: the record has changed, or an account that is
   * active already is not signed in here. The PIN alone must not add a role to somebody's account.
   */
  async function loadReviewed(step: StepRequest): Promise<ActivationSubject | undefined> {
    const { attempt, req } = step
    const subject = await loadActivationSubject(context, attempt)
    if (!subject?.account) {
      await stop(context, attempt, 'ACTIVATION_RECORD_CHANGED')
      await pages.goOn(step)
      return undefined
    }
    if (!attempt.isSecondRole) return subject
    const session = currentSession(context, req)
    const owner = session?.personId === attempt.personId ? session : undefined
    if (owner && (await loadSubject(context, req, owner))) return subject
    const { username } = subject.account
    const flow = sealFlow(context, { resume: '/register/review', forceAuthn: true, username })
    pages.show(step, 'second-role', { username, loginUrl: loginUrl(flow) })
    return undefined
  }

  function showReview(step: StepRequest, subject: ActivationSubject, status = 200) {
    const { attempt, language } = step
    const contacts = recordedContacts(subject, attempt)
    const facts = reviewFacts(context, attempt, subject, language)
    const names = new Map(countriesIn(language).map(({ code, name }) => [code, name]))
    const boxOf = (consented: boolean | undefined) => (consented ? 'yes' : '')
    pages.show(
      step,
      'review',
      {
        facts: {
          ...facts,
          numbers: facts.numbers.map((number) => ({
            ...number,
            countryName: names.get(number.country),
          })),
        },
        isSecondRole: attempt.isSecondRole === true,
        canConsent: { mobile: contacts.mobile !== undefined, email: contacts.email !== undefined },
        values: {
          consentMobile: boxOf(attempt.consentMobile),
          consentEmail: boxOf(attempt.consentEmail),
        },
      },
      status,
    )
  }
}
