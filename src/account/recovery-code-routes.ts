import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import { readCode } from '../codes/one-time-code.ts'
import { withoutScope } from '../login/sign-in.ts'
import { readFlow } from '../login/way-back.ts'
import { maskContact } from '../messages/mask.ts'
import type { MessageChannel } from '../messages/messages.ts'
import { checkPersonalEmail } from '../people/email.ts'
import { normalizeUsername } from '../people/people-store.ts'
import { checkPhone } from '../people/phone.ts'
import { isLive } from '../store/page-attempts.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formText } from '../web/form-text.ts'
import type { PageText } from '../web/page-text.ts'
import type { RecoveryAttempt } from './recovery.ts'
import { checkCode } from './recovery-check.ts'
import { isInstitutional } from './recovery-match.ts'
import {
  type RecoveryPages,
  type RecoveryRequest,
  type RecoveryVisit,
  recoveryCookie,
} from './recovery-page.ts'
import { beginRecovery, isSameWish, type RecoveryWish, sendAgain } from './recovery-sending.ts'
import { endRecovery, noteRecovery } from './recovery-store.ts'

type Errors = Record<string, PageText>

/** Who it is and where the code goes; then the code. */
export function recoveryCodeRoutes(pages: RecoveryPages): Router {
  const { context, limiter } = pages
  const router = Router()

  router.get('/account/recover', (req, res) => {
    showForm(pages.visit(req, res), { flow: readFlow(context, req.query.flow) })
  })

  router.post('/account/recover', requireLoginCsrf, async (req, res) => {
    const visit = pages.visit(req, res)
    const flow = readFlow(context, req.body.flow)
    const { wish, errors, values } = readWish(req.body)
    if (!wish) return showForm(visit, { flow, errors, values }, 422)
    const previous = await pages.find(req)
    if (previous && isLive(previous, context.now()) && isSameWish(context, previous, wish)) {
      return res.redirect(303, '/account/recover/code')
    }
    const begun = await beginRecovery(context, limiter, wish, { ...visit, flow })
    if (begun.outcome === 'throttled') {
      return pages.stop(visit, 'ACCOUNT_THROTTLED', { minutes: begun.minutes })
    }
    if (previous) await endRecovery(context, previous, { event: 'replaced' })
    const { attempt, token, send } = begun
    recordStart(req, attempt, wish)
    recoveryCookie.set(context, res, { token }, attempt)
    res.redirect(303, '/account/recover/code')
    send()
  })

  router.get(
    '/account/recover/code',
    pages.atStep('code', (request) => {
      showCode(request, { resent: request.req.query.new === 'yes' })
    }),
  )

  router.post(
    '/account/recover/code/new',
    requireLoginCsrf,
    pages.atStep('code', async (request) => {
      const { attempt, res } = request
      const sending = await sendAgain(context, limiter, attempt, request)
      switch (sending.outcome) {
        case 'prepared':
          res.redirect(303, '/account/recover/code?new=yes')
          return sending.send()
        case 'overtaken':
          return pages.goOn(request)
        case 'throttled':
          await noteRecovery(context, attempt, 'throttled', 'codes')
          res.set('Retry-After', String(sending.minutes * 60))
          return showCode(request, { waitMinutes: sending.minutes }, 429)
      }
    }),
  )

  router.post(
    '/account/recover/code',
    requireLoginCsrf,
    pages.atStep('code', async (request) => {
      const { attempt, req } = request
      const code = readCode(req.body.code)
      if (code === undefined) {
        const problem = formText(req.body.code) === '' ? 'codeMissing' : 'codeFormat'
        const errors = { code: { key: `account.recover.error.${problem}` } }
        return showCode(request, { errors }, 422)
      }
      const check = await checkCode(context, limiter, attempt, code)
      switch (check.outcome) {
        case 'wrong': {
          const errors = { code: { key: 'account.recover.error.codeWrong' } }
          return showCode(request, { errors, triesLeft: check.triesLeft }, 422)
        }
        case 'throttled':
          return pages.stop(request, 'ACCOUNT_THROTTLED', { minutes: check.minutes })
        case 'right': {
          const key = recoveryCookie.read(context, req)
          if (key) recoveryCookie.set(context, request.res, { ...key, proof: check.proof }, attempt)
          return pages.goOn(request)
        }
        default:
          return pages.goOn(request)
      }
    }),
  )

  router.get('/account/recover/help', (req, res) => pages.show(pages.visit(req, res), 'help'))

  return router

  /** What was typed, checked by itself: nothing here depends on any account. */
  function readWish(body: Record<string, unknown>): {
    wish?: RecoveryWish
    errors: Errors
    values: Record<string, string>
  } {
    const typed = {
      username: formText(body.username),
      channel: formText(body.channel),
      contact: formText(body.contact),
    }
    const errors: Errors = {}
    const username = normalizeUsername(withoutScope(typed.username, context.config.scope))
    if (username === '') errors.username = { key: 'login.error.usernameMissing' }
    const channel = channels().find((name) => name === typed.channel)
    if (!channel) errors.channel = { key: 'account.recover.error.channelMissing' }
    const contact = readContact(channel, typed.contact)
    if (contact.error) errors.contact = contact.error
    if (!channel || contact.value === undefined || errors.username) return { errors, values: typed }
    return { wish: { username, channel, contact: contact.value }, errors, values: typed }
  }

  function readContact(
    channel: MessageChannel | undefined,
    typed: string,
  ): { value?: string; error?: PageText } {
    const error = (name: string) => ({ error: { key: `account.recover.error.${name}` } })
    if (typed === '') return error('contactMissing')
    if (!channel) return {}
    if (channel === 'sms') {
      const checked = checkPhone(typed)
      return checked.reason === undefined ? { value: checked.value } : error('mobile')
    }
    const checked = checkPersonalEmail(typed, context.config.scope)
    if (checked.reason === undefined) return { value: checked.value }
    if (checked.reason === 'EMAIL_INSTITUTIONAL') return { value: typed.toLowerCase() }
    return error('email')
  }

  function channels(): MessageChannel[] {
    return (['email', 'sms'] as const).filter((name) => context.messages.channels[name])
  }

  function showForm(
    visit: RecoveryVisit,
    data: { flow?: string; errors?: Errors; values?: Record<string, string> },
    status = 200,
  ): void {
    const { flow = '', ...rest } = data
    pages.show(visit, 'start', { channels: channels(), flow, ...rest }, status)
  }

  function showCode(
    request: RecoveryRequest,
    data: { errors?: Errors; triesLeft?: number; resent?: boolean; waitMinutes?: number },
    status = 200,
  ): void {
    const { channel, contact = '' } = request.attempt
    const typed = {
      channel,
      masked: maskContact(contact),
      isInstitutional: isInstitutional(context, channel, contact),
    }
    pages.show(request, 'code', { ...typed, resent: false, ...data }, status)
  }

  /** A username that nobody has is not written down: it may be a password in the wrong field. */
  function recordStart(
    req: RecoveryVisit['req'],
    { reference, failure, personId }: RecoveryAttempt,
    { username, channel }: RecoveryWish,
  ): void {
    context.audit.record({
      event: 'recovery.start',
      result: failure === undefined ? 'success' : 'failure',
      ...(failure === undefined ? {} : { reason: failure }),
      ...(personId === undefined ? {} : { personId, username }),
      ...requestOrigin(req),
      details: { reference, channel },
    })
  }
}
