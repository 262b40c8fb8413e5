import type { ErrorRequestHandler, Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { type ErrorCode, IdpError } from '../errors.ts'
import { languageOf, pageAddress } from './language.ts'
import { createReference } from './reference.ts'
import { renderPage } from './render.ts'
import { webParts } from './web-parts.ts'

const [el, en] = ['el-GR', 'en-GB'].map(
  (locale) =>
    new Intl.DateTimeFormat(locale, {
      dateStyle: 'long',
      timeStyle: 'medium',
      timeZone: 'Europe/Athens',
      // Greek would otherwise count to twelve twice.
      hourCycle: 'h23',
    }),
) as [Intl.DateTimeFormat, Intl.DateTimeFormat]
const timeFormats = { el, en }

/**
 * The one place where an error becomes an answer: a page in the person's language, or JSON for
 * software that asks for it, each with a reference that the log line carries too. Nothing of an
 * unexpected error is shown.
 */
export function pageErrorHandler(context: Pick<AppContext, 'log' | 'now'>): ErrorRequestHandler {
  return (error, req, res, next) => {
    const { code, status } = classify(error)
    // A matter that has a reference already, such as an activation, keeps it.
    const reference: string = res.locals.reference ?? createReference()
    // Only the path: queries carry SAML messages, codes and tokens.
    const facts = { reference, code, status, method: req.method, path: req.path }
    if (status >= 500) context.log.error({ ...facts, err: error }, 'request failed')
    else context.log.warn({ ...facts, reason: (error as Error).message }, 'request refused')

    if (res.headersSent) return next(error)
    if (status === 503) res.setHeader('Retry-After', '30')
    try {
      answer(req, res, { code, status, reference, at: context.now() })
    } catch (renderError) {
      context.log.error({ reference, err: renderError }, 'the error page failed')
      res.status(500).type('text/plain').end(`${reference}\n`)
    }
  }
}

function answer(
  req: Request,
  res: Response,
  problem: { code: ErrorCode; status: number; reference: string; at: Date },
) {
  const { code, status, reference, at } = problem
  const t = webParts(req).translations[languageOf(req)]
  if (req.accepts(['html', 'json']) === 'json') {
    res.status(status).setHeader('Cache-Control', 'no-store')
    res.json({ error: code, message: t(`errors.${code}.text`), reference })
    return
  }
  const time = timeFormats[languageOf(req)].format(at)
  // A form that was refused can be opened afresh; elsewhere trying again would fail again.
  const retryUrl = code === 'CSRF_INVALID' ? pageAddress(req) : undefined
  renderPage(req, res, 'error/error', { code, reference, time, retryUrl }, status)
}

function classify(error: unknown): { code: ErrorCode; status: number } {
  if (error instanceof IdpError) return { code: error.code, status: error.status }
  if (isStoreAway(error)) return { code: 'SERVICE_UNAVAILABLE', status: 503 }
  const status = malformedInputStatus(error)
  if (status !== undefined) return { code: 'BAD_REQUEST', status }
  return { code: 'INTERNAL_ERROR', status: 500 }
}

/**
 * The status of an error that express or body-parser made of what was sent: a body that is too
 * large or not readable, a path with broken percent-encoding. A bug of ours has no such status.
 */
function malformedInputStatus(error: unknown): number | undefined {
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown }
  if (!(expose === true || error instanceof URIError)) return undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}

function isStoreAway(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(Mongo(ServerSelection|Network|NetworkTimeout|PoolCleared|Topology\w*)|MongooseServerSelection)Error$/.test(
      error.name,
    )
  )
}
