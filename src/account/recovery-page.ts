import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import type { ErrorCode } from '../errors.ts'
import { type Limiter, openLimiter } from '../limits/limiter.ts'
import { networkOf } from '../limits/network.ts'
import { isLive } from '../store/page-attempts.ts'
import { attemptCookie } from '../web/attempt-cookie.ts'
import { type Language, languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import type { Translate } from '../web/translate.ts'
import { webParts } from '../web/web-parts.ts'
import type { RecoveryAttempt, RecoveryStep } from './recovery.ts'
import { endRecovery, findRecovery, reloadRecovery } from './recovery-store.ts'

/** Ties a recovery to the browser. */
export const recoveryCookie = attemptCookie('recovery')

/** What every page of the recovery works with. */
export interface RecoveryVisit {
  readonly req: Request
  readonly res: Response
  readonly language: Language
  readonly t: Translate
  /** What counts as the browser's address in limits. */
  readonly network: string
}

/** A page of one step: the attempt stands at that step. */
export interface RecoveryRequest extends RecoveryVisit {
  readonly attempt: RecoveryAttempt
}

/** What all pages of the recovery share. */
export interface RecoveryPages {
  readonly context: AppContext
  readonly limiter: Limiter
  visit(req: Request, res: Response): RecoveryVisit
  /** The browser's attempt, live or not. */
  find(req: Request): Promise<RecoveryAttempt | null>
  /** A route that only an attempt at this step may use; others are led to where they are. */
  atStep(
    step: RecoveryStep,
    handle: (request: RecoveryRequest) => Promise<void> | void,
  ): (req: Request, res: Response) => Promise<void>
  show(visit: RecoveryVisit, view: string, data?: object, status?: number): void
  /** The page that says why it does not go on; the attempt itself is not changed. */
  stop(visit: RecoveryVisit, code: ErrorCode, data?: object & { minutes?: number }): void
  /** Ends the attempt and says why. */
  end(request: RecoveryRequest, code: ErrorCode): Promise<void>
  /** To the page of the attempt's step, as the store has it now. */
  goOn(request: RecoveryRequest): Promise<void>
}

const stopStatus: Partial<Record<ErrorCode, number>> = {
  ACCOUNT_RECOVERY_EXPIRED: 410,
  ACCOUNT_CODE_EXPIRED: 410,
  ACCOUNT_PASSWORD_CHANGED_MEANWHILE: 409,
  ACCOUNT_CHANGED_MEANWHILE: 409,
  ACCOUNT_THROTTLED: 429,
}

export function recoveryPages(context: AppContext): RecoveryPages {
  const limiter = openLimiter(context)

  function visit(req: Request, res: Response): RecoveryVisit {
    const language = languageOf(req)
    const t = webParts(req).translations[language]
    return { req, res, language, t, network: networkOf(req.ip ?? 'unknown') }
  }

  async function find(req: Request): Promise<RecoveryAttempt | null> {
    const key = recoveryCookie.read(context, req)
    return key === undefined ? null : findRecovery(context, key)
  }

  function show({ req, res }: RecoveryVisit, view: string, data: object = {}, status = 200): void {
    const { reference } = res.locals
    const shared = { reference, errors: {}, values: {} }
    renderPage(req, res, `account/recover/${view}`, { ...shared, ...data }, status)
  }

  function stop(visit: RecoveryVisit, code: ErrorCode, data: { minutes?: number } = {}): void {
    if (data.minutes) visit.res.set('Retry-After', String(data.minutes * 60))
    show(visit, 'stopped', { code, ...data }, stopStatus[code] ?? 403)
  }

  async function end(request: RecoveryRequest, code: ErrorCode): Promise<void> {
    await endRecovery(context, request.attempt, {
      event: 'stopped',
      detail: code,
      set: { stoppedBy: code },
    })
    stop(request, code)
  }

  async function afterEnd(request: RecoveryRequest): Promise<void> {
    const { attempt, res } = request
    if (attempt.step === 'done') return res.redirect(303, '/account/recover/done')
    if (attempt.stoppedBy) return res.redirect(303, '/account/recover/stopped')
    if (attempt.endedAt) return res.redirect(303, '/account/recover')
    await end(request, 'ACCOUNT_RECOVERY_EXPIRED')
  }

  return {
    context,
    limiter,
    visit,
    find,
    show,
    stop,
    end,
    atStep: (step, handle) => async (req, res) => {
      const here = visit(req, res)
      const attempt = await find(req)
      if (!attempt) {
        // A form that was left open for hours: its cookie has gone.
        if (req.method === 'POST') return stop(here, 'ACCOUNT_RECOVERY_EXPIRED')
        return res.redirect(303, '/account/recover')
      }
      res.locals.reference = attempt.reference
      const request = { ...here, attempt }
      if (!isLive(attempt, context.now())) return afterEnd(request)
      if (attempt.step !== step) return res.redirect(303, `/account/recover/${attempt.step}`)
      await handle(request)
    },
    async goOn({ res, attempt: { _id } }) {
      const attempt = await reloadRecovery({ _id })
      const isLost = !attempt || (!isLive(attempt, context.now()) && attempt.step !== 'done')
      const page = isLost ? 'stopped' : attempt.step
      res.redirect(303, `/account/recover/${page}`)
    },
  }
}
