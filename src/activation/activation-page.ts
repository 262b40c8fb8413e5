import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import type { ErrorCode } from '../errors.ts'
import { type Limiter, openLimiter } from '../limits/limiter.ts'
import { networkOf } from '../limits/network.ts'
import { recordKeeperFor } from '../record-keeper/record-keeper.ts'
import { isLive } from '../store/page-attempts.ts'
import { attemptCookie } from '../web/attempt-cookie.ts'
import { type Language, languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import type { Translate } from '../web/translate.ts'
import { webParts } from '../web/web-parts.ts'
import type { ActivationAttempt, ActivationStep } from './attempt.ts'
import { endAttempt, findAttempt, reloadAttempt } from './attempt-store.ts'

/** Ties an activation to the browser. */
export const activationCookie = attemptCookie('activation')

/** What a step's page works with: the attempt stands at that step. */
export interface StepRequest {
  readonly req: Request
  readonly res: Response
  readonly attempt: ActivationAttempt
  readonly language: Language
  readonly t: Translate
  /** What counts as the browser's address in limits. */
  readonly network: string
}

type StepHandler = (step: StepRequest) => Promise<void> | void

/** What all pages of the activation share. */
export interface ActivationPages {
  readonly context: AppContext
  readonly limiter: Limiter
  /** A route that only an attempt at one of these steps may use; others are led to where they are. */
  atStep(
    steps: readonly ActivationStep[],
    handle: StepHandler,
  ): (req: Request, res: Response) => Promise<void>
  /** The browser's attempt, live or not. */
  find(req: Request): Promise<ActivationAttempt | null>
  show(step: StepRequest, view: string, data?: object, status?: number): void
  /** The page that says why it does not go on; the attempt itself is not changed. */
  stop(step: StepRequest, code: ErrorCode, data?: object): void
  /** To the page of the attempt's step, as the store has it now. */
  goOn(step: StepRequest): Promise<void>
}

const stopStatus: Partial<Record<ErrorCode, number>> = {
  ACTIVATION_EXPIRED: 410,
  ACTIVATION_PIN_EXPIRED: 410,
  ACTIVATION_AMKA_UNREACHABLE: 503,
  ACTIVATION_THROTTLED: 429,
  ACTIVATION_RECORD_CHANGED: 409,
  ACTIVATION_ALREADY_ACTIVE: 409,
}

export function activationPages(context: AppContext): ActivationPages {
  const limiter = openLimiter(context)

  async function find(req: Request): Promise<ActivationAttempt | null> {
    const key = activationCookie.read(context, req)
    return key === undefined ? null : findAttempt(context, key)
  }

  function show(step: StepRequest, view: string, data: object = {}, status = 200): void {
    const { req, res, attempt, language, t } = step
    const { role, reference } = attempt
    const keeper = recordKeeperFor(context.institution, role ?? 'student', undefined, language, t)
    // An attempt that still goes on is left by the page for those who disagree.
    const canForget = attempt.personId !== undefined && attempt.endedAt !== undefined
    const shared = { reference, role, recordKeeper: keeper, canForget, errors: {}, values: {} }
    renderPage(req, res, `activation/${view}`, { ...shared, ...data }, status)
  }

  function stop(step: StepRequest, code: ErrorCode, data: object & { minutes?: number } = {}) {
    if (data.minutes) step.res.set('Retry-After', String(data.minutes * 60))
    show(step, 'stopped', { code, ...data }, stopStatus[code] ?? 403)
  }

  return {
    context,
    limiter,
    find,
    show,
    stop,
    atStep: (steps, handle) => async (req, res) => {
      const language = languageOf(req)
      const t = webParts(req).translations[language]
      const network = networkOf(req.ip ?? 'unknown')
      const attempt = await find(req)
      if (!attempt) {
        // A form that was left open for hours: its cookie has gone.
        if (req.method === 'POST') renderExpired(req, res)
        else res.redirect(303, '/register')
        return
      }
      res.locals.reference = attempt.reference
      const step = { req, res, attempt, language, t, network }
      if (!isLive(attempt, context.now())) return afterEnd(step)
      if (!steps.includes(attempt.step)) return res.redirect(303, `/register/${attempt.step}`)
      await handle(step)
    },
    async goOn(step) {
      const attempt = await reloadAttempt(step.attempt)
      const isLost = !attempt || !(attempt.step === 'done' || isLive(attempt, context.now()))
      step.res.redirect(303, isLost ? '/register/stopped' : `/register/${attempt.step}`)
    },
  }

  async function afterEnd(step: StepRequest): Promise<void> {
    const { attempt, res } = step
    if (attempt.step === 'done') return res.redirect(303, '/register/done')
    if (attempt.stoppedBy) return res.redirect(303, '/register/stopped')
    if (attempt.endedAt) return res.redirect(303, '/register')
    await endAttempt(context, attempt, {
      event: 'stopped',
      detail: 'ACTIVATION_EXPIRED',
      set: { stoppedBy: 'ACTIVATION_EXPIRED' },
    })
    stop(step, 'ACTIVATION_EXPIRED')
  }

  function renderExpired(req: Request, res: Response): void {
    const data = { code: 'ACTIVATION_EXPIRED', errors: {}, values: {} }
    renderPage(req, res, 'activation/stopped', data, 410)
  }
}
