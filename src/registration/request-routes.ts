import { type Request, type Response, Router } from 'express'
import type { AppContext } from '../context.ts'
import { serviceId } from '../federation/service.ts'
import type { Limiter } from '../limits/limiter.ts'
import { maskEmail } from '../messages/mask.ts'
import { checkCsrf } from '../web/csrf.ts'
import { renderPage } from '../web/render.ts'
import { describeCheck, describeFindings } from './check-answer.ts'
import { missingReasons, readReasons, reasonFindings, showCheck } from './check-page.ts'
import {
  type CheckContext,
  checkRegistration,
  type RegistrationCheck,
} from './check-registration.ts'
import { registerPath } from './check-routes.ts'
import { refusalOf, refusalStatus } from './client-errors.ts'
import { readSource } from './metadata-source.ts'
import type { RegistrationFinding } from './registration-finding.ts'
import { mailLimits, networkLimit, takeOrRefuse } from './registration-limits.ts'
import { beginRequest, type GoodCheck, isGoodCheck } from './request-flow.ts'
import type { RegistrationRequest } from './request-model.ts'
import { sourceIn, wordsFor } from './request-words.ts'
import { readForm, readJsonBody } from './submission.ts'

const askPath = `${registerPath}/request`
const sentPath = `${registerPath}/sent`

const mailFailed: RegistrationFinding = { code: 'MAIL_FAILED', severity: 'stop' }

/** Asks for a registration: what was checked is checked once more, kept, and its contact written to. */
export function requestRoutes(
  context: AppContext,
  checkContext: CheckContext,
  limiter: Limiter,
): Router {
  const router = Router()

  router.post(askPath, async (req, res) => {
    await takeOrRefuse(limiter, [networkLimit('request', req)])
    if (req.is('json')) return answerSoftware(req, res)
    const { fields } = await readForm(req, res)
    await checkCsrf(req, res)
    const text = (fields.metadata ?? '').replace(/\r\n?/g, '\n')
    const check = await checkRegistration(text, checkContext)
    const reasons = readReasons(fields, check.requested, 'reason-')
    if (!isGoodCheck(check)) return showCheck(req, res, check, { text, reasons })
    const missing = missingReasons(check.requested, reasons)
    if (missing.length > 0) return showCheck(req, res, check, { text, reasons, missing }, 422)
    const request = await begin(check, reasons, req)
    if (!request) {
      return showCheck(req, res, withFinding(check, mailFailed), { text, reasons }, 503)
    }
    res.redirect(303, `${sentPath}?reference=${request._id}`)
  })

  // Says nothing that the address does not: it can be opened again, by anybody.
  router.get(sentPath, (req, res) => {
    const { reference } = req.query
    const isReference = typeof reference === 'string' && /^[A-Z2-9]{3}-[A-Z2-9]{3}$/.test(reference)
    renderPage(req, res, 'registration/sent', isReference ? { reference } : {})
  })

  return router

  async function begin(check: GoodCheck, reasons: Readonly<Record<string, string>>, req: Request) {
    // For a client that is new the name is made now: only its mailbox can be counted.
    const subject = check.service.protocol !== 'oidc' || check.running ? idOf(check) : check.contact
    await takeOrRefuse(limiter, mailLimits(check.contact, subject, req))
    return beginRequest(context, check, { reasons, language: wordsFor(req).language })
  }

  async function answerSoftware(req: Request, res: Response): Promise<void> {
    const body = await readJsonBody(req, res)
    res.setHeader('Cache-Control', 'no-store')
    const { language, t } = wordsFor(req)
    // What came from an address is checked first, and sent then: it must not change in between.
    const read = await readSource({ text: sourceIn(body).text }, context)
    if ('finding' in read) {
      const findings = describeFindings([read.finding], t)
      return void res.status(422).json({ isGood: false, findings })
    }
    const check = await checkRegistration(read.text, checkContext)
    const given = typeof body.reasons === 'object' && body.reasons !== null ? body.reasons : {}
    const reasons = readReasons(given as Record<string, unknown>, check.requested)
    const missing = reasonFindings(missingReasons(check.requested, reasons))
    const refuse = (refused: RegistrationCheck, status: number) =>
      void res
        .status(status)
        .json({ ...describeCheck(refused, language, t), ...refusalOf(req, read.text, refused) })
    const invalid = refusalStatus(read.text)
    if (!isGoodCheck(check)) return refuse(check, invalid)
    if (missing.length > 0) return refuse(withFinding(check, ...missing), invalid)
    const request = await begin(check, reasons, req)
    if (!request) return refuse(withFinding(check, mailFailed), 503)
    res.status(202).json(describeSent(request))
  }
}

function describeSent({ _id, state, contact, linkUntil }: RegistrationRequest) {
  return {
    reference: _id,
    state,
    contact: maskEmail(contact),
    confirmUntil: linkUntil?.toISOString(),
  }
}

function withFinding(check: RegistrationCheck, ...findings: RegistrationFinding[]) {
  return { ...check, isGood: false, findings: [...findings, ...check.findings] }
}

function idOf({ service }: GoodCheck): string {
  return serviceId(service)
}
