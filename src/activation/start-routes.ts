import { Router } from 'express'
import { networkOf } from '../limits/network.ts'
import { readFlow } from '../login/way-back.ts'
import { type RoleChoice, roleChoices } from '../people/role-choice.ts'
import { recordKeeperFor } from '../record-keeper/record-keeper.ts'
import { isLive } from '../store/page-attempts.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formText } from '../web/form-text.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { type ActivationPages, activationCookie, type StepRequest } from './activation-page.ts'
import { changeAttempt, endAttempt, startAttempt } from './attempt-store.ts'
import { countStage } from './funnel.ts'

const windowMs = 15 * 60_000
/** For each PIN that a network may ask for, so many beginnings: most who begin look twice. */
const startsPerPin = 5

/** Pages 0 and 1: what it is about, and who one is. */
export function startRoutes(pages: ActivationPages): Router {
  const { context, limiter } = pages
  const router = Router()

  router.get('/register', async (req, res) => {
    const attempt = await pages.find(req)
    const canContinue =
      attempt !== null && attempt.role !== undefined && isLive(attempt, context.now())
    renderPage(req, res, 'activation/landing', {
      canContinue,
      reference: canContinue ? attempt.reference : undefined,
      flow: readFlow(context, req.query.flow) ?? '',
      errors: {},
    })
  })

  router.post('/register', requireLoginCsrf, async (req, res) => {
    const minutes = await limiter.take({
      name: 'activation-start',
      subject: networkOf(req.ip ?? 'unknown'),
      max: context.config.activationPinsPerAddress * startsPerPin,
      windowMs,
    })
    if (minutes > 0) {
      res.set('Retry-After', String(minutes * 60))
      const data = { code: 'ACTIVATION_THROTTLED', minutes, errors: {}, values: {} }
      return renderPage(req, res, 'activation/stopped', data, 429)
    }
    const previous = await pages.find(req)
    if (previous) await endAttempt(context, previous, { event: 'replaced' })
    const flow = readFlow(context, req.body.flow)
    const { attempt, token } = await startAttempt(context, { language: languageOf(req), flow })
    activationCookie.set(context, res, { token }, attempt)
    context.audit.record({
      event: 'activation.start',
      result: 'success',
      address: req.ip,
      details: { reference: attempt.reference },
    })
    res.redirect(303, '/register/role')
  })

  router.get(
    '/register/continue',
    pages.atStep([], () => undefined),
  )

  router.get(
    '/register/role',
    pages.atStep(['role', 'contact', 'pin'], (step) => showRole(step)),
  )

  router.post(
    '/register/role',
    requireLoginCsrf,
    pages.atStep(['role', 'contact', 'pin'], async (step) => {
      const { attempt, req, res } = step
      const role = roleChoices.find((choice) => choice === formText(req.body.role))
      if (!role) {
        return showRole(step, { role: { key: 'activation.error.roleMissing' } }, 422)
      }
      // The PIN of another role's record is worth nothing for this one.
      const changed = await changeAttempt(context, attempt, {
        set: { role, step: 'contact' },
        unset: ['pin', 'candidates', 'mobile', 'email'],
        event: 'role-chosen',
        detail: role,
      })
      if (changed && !attempt.role) await countStage('started', role, context.now())
      res.redirect(303, '/register/contact')
    }),
  )

  return router

  function showRole(step: StepRequest, errors = {}, status = 200) {
    const { language, t } = step
    const contractorKeeper = recordKeeperFor(
      context.institution,
      'affiliate' satisfies RoleChoice,
      undefined,
      language,
      t,
    )
    pages.show(step, 'role', { errors, contractorKeeper }, status)
  }
}
