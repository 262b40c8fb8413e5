import { type Request, type Response, Router } from 'express'
import type { AppContext } from '../context.ts'
import type { Limiter } from '../limits/limiter.ts'
import { checkCsrf } from '../web/csrf.ts'
import { renderPage } from '../web/render.ts'
import { describeCheck, describeFindings } from './check-answer.ts'
import { readReasons, showCheck } from './check-page.ts'
import { type CheckContext, checkRegistration } from './check-registration.ts'
import { refusalOf, refusalStatus } from './client-errors.ts'
import { type MetadataSource, readSource } from './metadata-source.ts'
import { networkLimit, takeOrRefuse } from './registration-limits.ts'
import { sourceIn, wordsFor } from './request-words.ts'
import { readForm, readJsonBody } from './submission.ts'

export const registerPath = '/federation/register'

/** Hand metadata in and learn at once what is wrong with it. Nothing is stored. */
export function checkRoutes(
  context: AppContext,
  checkContext: CheckContext,
  limiter: Limiter,
): Router {
  const router = Router()

  router.get(registerPath, (req, res) => {
    renderPage(req, res, 'registration/start', { values: {} })
  })

  router.post(registerPath, async (req, res) => {
    await takeOrRefuse(limiter, [networkLimit('check', req)])
    if (req.is('json')) return answerSoftware(req, res)
    const { fields, file, isTooLarge } = await readForm(req, res)
    await checkCsrf(req, res)
    const source = { file, url: fields.url?.trim(), text: fields.metadata }
    const { url = '' } = source
    if (isTooLarge) return showStart(req, res, 'TOO_LARGE', { url })
    const read = await readLimited(req, source)
    if ('finding' in read) {
      return showStart(req, res, read.finding.code, { url, metadata: source.text })
    }
    const check = await checkRegistration(read.text, checkContext)
    const reasons = readReasons(fields, check.requested, 'reason-')
    showCheck(req, res, check, { text: read.text, reasons })
  })

  return router

  async function readLimited(req: Request, source: MetadataSource) {
    if (source.url && !source.file) await takeOrRefuse(limiter, [networkLimit('fetch', req)])
    return readSource(source, context)
  }

  async function answerSoftware(req: Request, res: Response): Promise<void> {
    const read = await readLimited(req, sourceIn(await readJsonBody(req, res)))
    const { language, t } = wordsFor(req)
    res.setHeader('Cache-Control', 'no-store')
    if ('finding' in read) {
      const findings = describeFindings([read.finding], t)
      return void res.status(422).json({ isGood: false, isUpdate: false, findings, requested: [] })
    }
    const check = await checkRegistration(read.text, checkContext)
    const { text } = read
    res
      .status(check.isGood ? 200 : refusalStatus(text))
      .json({ ...describeCheck(check, language, t), ...refusalOf(req, text, check) })
  }

  /** The form again, with what is wrong by its field and what was typed. */
  function showStart(req: Request, res: Response, code: string, values: object): void {
    renderPage(req, res, 'registration/start', { values, problem: code }, 422)
  }
}
