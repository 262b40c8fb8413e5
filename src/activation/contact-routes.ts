import { Router } from 'express'
import { readCode } from '../codes/one-time-code.ts'
import { activationRules } from '../institution.ts'
import { maskedRecipients } from '../messages/recipients.ts'
import { isRealDate } from '../people/calendar.ts'
import type { RoleChoice } from '../people/role-choice.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formText } from '../web/form-text.ts'
import type { PageText } from '../web/page-text.ts'
import { type ActivationPages, activationCookie, type StepRequest } from './activation-page.ts'
import { noteEvent } from './attempt-store.ts'
import { readContact, searchContact } from './contact-search.ts'
import { checkFact, identify } from './identification.ts'
import { checkPin } from './pin-check.ts'
import { type PinSending, sendPin } from './pin-sending.ts'
import { showRecord } from './record-outcome.ts'

/** Pages 2 and 3: the contact that the source holds, the PIN, and the fact that a family needs. */
export function contactRoutes(pages: ActivationPages): Router {
  const { context, limiter } = pages
  const router = Router()

  router.get(
    '/register/contact',
    pages.atStep(['contact', 'pin'], (step) => showContact(step, {})),
  )

  router.post(
    '/register/contact',
    requireLoginCsrf,
    pages.atStep(['contact', 'pin'], async (step) => {
      const { attempt, req, network } = step
      const values = { mobile: formText(req.body.mobile), email: formText(req.body.email) }
      const { contact, errors } = readContact(context, values)
      if (errors) return showContact(step, { errors, values }, 422)
      const role = attempt.role as RoleChoice
      const search = await searchContact(context, limiter, { role, contact, network })
      if (search.outcome === 'throttled') return throttled(step, 'searches', search.minutes)
      if (search.outcome === 'not-found') {
        await noteEvent(context, attempt, 'contact-not-found', Object.keys(contact).join(', '))
        return showContact(step, { values, notFound: true, code: 'ACTIVATION_NOT_FOUND' }, 422)
      }
      await noteEvent(context, attempt, 'contact-found')
      const { candidates } = search
      await afterSending(
        step,
        await sendPin(context, limiter, attempt, { ...step, contact, candidates }),
      )
    }),
  )

  router.get(
    '/register/pin',
    pages.atStep(['pin'], (step) => showPin(step, { resent: step.req.query.new === 'yes' })),
  )

  router.post(
    '/register/pin/new',
    requireLoginCsrf,
    pages.atStep(['pin'], async (step) => {
      const { attempt, res } = step
      const { candidates = [] } = attempt
      const sending = await sendPin(context, limiter, attempt, {
        ...step,
        contact: { mobile: attempt.mobile, email: attempt.email },
        candidates,
      })
      if (sending.outcome === 'sent') return res.redirect(303, '/register/pin?new=yes')
      if (sending.outcome === 'overtaken') return pages.goOn(step)
      await noteEvent(context, attempt, 'throttled', 'PINs')
      res.set('Retry-After', String(sending.minutes * 60))
      await showPin(step, { waitMinutes: sending.minutes }, 429)
    }),
  )

  router.post(
    '/register/pin',
    requireLoginCsrf,
    pages.atStep(['pin'], async (step) => {
      const { attempt, req } = step
      const pin = readCode(req.body.pin)
      if (pin === undefined) {
        const key =
          formText(req.body.pin) === ''
            ? 'activation.error.pinMissing'
            : 'activation.error.pinFormat'
        return showPin(step, { errors: { pin: { key } } }, 422)
      }
      const check = await checkPin(context, limiter, attempt, pin)
      switch (check.outcome) {
        case 'wrong':
          return showPin(
            step,
            {
              errors: { pin: { key: 'activation.error.pinWrong' } },
              triesLeft: check.triesLeft,
            },
            422,
          )
        case 'throttled':
          return pages.stop(step, 'ACTIVATION_THROTTLED', { minutes: check.minutes })
        case 'right': {
          const key = activationCookie.read(context, req)
          if (key)
            activationCookie.set(context, step.res, { ...key, proof: check.proof }, check.attempt)
          const identified = await identify(context, check.attempt)
          if (identified?.step !== 'number') return pages.goOn(step)
          return showRecord(pages, { ...step, attempt: identified })
        }
        default:
          return pages.goOn(step)
      }
    }),
  )

  router.get(
    '/register/fact',
    pages.atStep(['fact'], async (step) => {
      if (step.attempt.fact) return pages.show(step, 'fact', { fact: step.attempt.fact })
      // The right PIN was the last thing that was written before something crashed.
      await identify(context, step.attempt)
      return pages.goOn(step)
    }),
  )

  router.post(
    '/register/fact',
    requireLoginCsrf,
    pages.atStep(['fact'], async (step) => {
      const { fact } = step.attempt
      if (!fact) return pages.goOn(step)
      const { given, values, errors } = readFact(step, fact)
      if (given === undefined) return pages.show(step, 'fact', { fact, values, errors }, 422)
      const check = await checkFact(context, limiter, step.attempt, given)
      switch (check.outcome) {
        case 'wrong':
          return pages.show(
            step,
            'fact',
            { fact, values, errors: { [fact]: { key: 'activation.error.factWrong' } } },
            422,
          )
        case 'throttled':
          return pages.stop(step, 'ACTIVATION_THROTTLED', { minutes: check.minutes })
        case 'right':
          if (check.attempt.step !== 'number') return pages.goOn(step)
          return showRecord(pages, { ...step, attempt: check.attempt })
        default:
          return pages.goOn(step)
      }
    }),
  )

  return router

  function showContact(
    step: StepRequest,
    data: {
      errors?: Record<string, PageText>
      values?: { mobile: string; email: string }
      notFound?: boolean
      code?: string
    },
    status = 200,
  ) {
    const { channels } = context.messages
    const { contacts } = activationRules(context.institution)
    pages.show(
      step,
      'contact',
      { channels, contactRule: contacts, notFound: false, ...data },
      status,
    )
  }

  async function showPin(
    step: StepRequest,
    data: {
      errors?: Record<string, PageText>
      triesLeft?: number
      resent?: boolean
      waitMinutes?: number
    },
    status = 200,
  ) {
    const { attempt } = step
    const ids = attempt.pin?.messageIds ?? []
    const states = await context.messages.deliveries(ids)
    const targets = maskedRecipients(attempt).map((recipient, index) => ({
      ...recipient,
      delivery: states.get(ids[index] ?? '') ?? 'waiting',
    }))
    const isUndelivered = targets.every(({ delivery }) => delivery === 'failed')
    pages.show(
      step,
      'pin',
      {
        targets,
        resent: false,
        ...(isUndelivered ? { code: 'ACTIVATION_MESSAGE_FAILED' } : {}),
        ...data,
      },
      status,
    )
  }

  async function throttled(step: StepRequest, what: string, minutes: number) {
    await noteEvent(context, step.attempt, 'throttled', what)
    pages.stop(step, 'ACTIVATION_THROTTLED', { minutes })
  }

  async function afterSending(step: StepRequest, sending: PinSending) {
    if (sending.outcome === 'throttled') return throttled(step, 'PINs', sending.minutes)
    return pages.goOn(step)
  }
}

function readFact({ req }: StepRequest, fact: 'birthDate' | 'registrationNumber') {
  if (fact === 'registrationNumber') {
    const registrationNumber = formText(req.body.registrationNumber)
    const values = { registrationNumber }
    if (registrationNumber !== '') return { given: registrationNumber, values }
    const key = 'activation.error.registrationNumberMissing'
    return { values, errors: { registrationNumber: { key } } }
  }
  const [birthDay, birthMonth, birthYear] = [
    formText(req.body.birthDay),
    formText(req.body.birthMonth),
    formText(req.body.birthYear),
  ]
  const values = { birthDay, birthMonth, birthYear }
  if ([birthDay, birthMonth, birthYear].includes('')) {
    return { values, errors: { birthDate: { key: 'activation.error.birthDateMissing' } } }
  }
  const date = `${birthYear}-${birthMonth.padStart(2, '0')}-${birthDay.padStart(2, '0')}`
  if (isRealDate(date)) return { given: date, values }
  return { values, errors: { birthDate: { key: 'activation.error.birthDateInvalid' } } }
}
