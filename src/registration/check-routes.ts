import { type Request, type Response, Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { openLimiter } from '../limits/limiter.ts'
import { checkCsrf } from '../web/csrf.ts'
import { type Language, languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { webParts } from '../web/web-parts.ts'
import { describeCheck, describeFindings } from './check-answer.ts'
import { type CheckContext, checkRegistration } from './check-registration.ts'
import { type MetadataSource, readSource } from './metadata-source.ts'
import { networkLimit, takeOrRefuse } from './registration-limits.ts'
import { readForm, readJsonBody } from './submission.ts'

export const registerPath = '/federation/register'

/** Hand metadata in and learn at once what is wrong with it. Nothing is stored. */
export function checkRoutes(context: AppContext): Router {
  const router = Router()
  const limiter = openLimiter(context)
  const checkContext: CheckContext = { ...context, environment: attributeEnvironment(context) }

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
    const { language, t } = wordsFor(req)
    renderPage(
      req,
      res,
      'registration/check',
      { ...describeCheck(check, language, t), text: read.text },
      check.isGood ? 200 : 422,
    )
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
    res.status(check.isGood ? 200 : 422).json(describeCheck(check, language, t))
  }

  /** The form again, with what is wrong by its field and what was typed. */
  function showStart(req: Request, res: Response, code: string, values: object): void {
    renderPage(req, res, 'registration/start', { values, problem: code }, 422)
  }
}

/**
 * `metadata` (text, or client metadata as an object) or `url`; or the client metadata itself, as
 * RFC 7591 section 3.1 posts it.
 */
export function sourceIn(body: Readonly<Record<string, unknown>>): MetadataSource {
  const { metadata, url } = body
  if (typeof metadata === 'string') return { text: metadata }
  if (typeof url === 'string') return { url }
  const given = metadata ?? (body.redirect_uris === undefined ? undefined : body)
  return given === undefined ? {} : { text: JSON.stringify(given) }
}

/** Software that names no language is answered in English. */
export function wordsFor(req: Request) {
  const language: Language =
    req.is('json') && req.headers['accept-language'] === undefined ? 'en' : languageOf(req)
  return { language, t: webParts(req).translations[language] }
}
