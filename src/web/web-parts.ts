import type { Request } from 'express'
import type { Environment } from 'nunjucks'
import type { AppContext } from '../context.ts'
import type { Language } from './language.ts'
import type { StaticFiles } from './static-files.ts'
import type { Translate } from './translate.ts'

/** What configureWeb builds once and every page needs. */
export interface WebParts {
  readonly context: AppContext
  readonly views: Environment
  readonly translations: Record<Language, Translate>
  readonly files: StaticFiles
  /** BASE_URL is https: cookies get Secure and the `__Host-` prefix. */
  readonly isHttps: boolean
}

/** The parts of the app that serves this request. */
export function webParts(req: Request): WebParts {
  const parts = req.app.locals.web as WebParts | undefined
  if (!parts) throw new Error('configureWeb(app, context) must run before a page is rendered')
  return parts
}
