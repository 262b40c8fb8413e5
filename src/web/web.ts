import type { Express } from 'express'
import type { AppContext } from '../context.ts'
import { createViews, publicDir, viewsDir } from './render.ts'
import { securityHeaders } from './security-headers.ts'
import { loadStaticFiles } from './static-files.ts'
import { themeStyles } from './theme.ts'
import { loadTranslations } from './translate.ts'
import type { WebParts } from './web-parts.ts'

/**
 * Prepares the app for pages: security headers on every response, static files, views and texts.
 * Comes before all routes and before the session, which static files have no use for.
 * @param later text files of other rooms, by name, as loadStaticFiles() takes them
 */
export function configureWeb(
  app: Express,
  context: AppContext,
  later: Record<string, () => string> = {},
) {
  const { institution, config } = context
  const { isHttps } = config
  const theme = { 'css/theme.css': themeStyles(institution.colours) }
  const files = loadStaticFiles(publicDir, theme, later)
  const web: WebParts = {
    context,
    files,
    isHttps,
    views: createViews(),
    translations: loadTranslations(viewsDir, { strict: !config.isProduction }),
  }
  app.locals.web = web
  app.disable('x-powered-by')
  app.use(securityHeaders({ isHttps, institution }))
  app.use(files.serve)
}
