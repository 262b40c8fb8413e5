import express, { type Express } from 'express'
import type { Store } from 'express-session'
import { accountRoutes } from './account/account-routes.ts'
import { activationRoutes } from './activation/activation-routes.ts'
import { activationsPart } from './activation/export-part.ts'
import { adminRoutes } from './admin/admin-routes.ts'
import { aliasMiddleware } from './aliases/alias-middleware.ts'
import { pathAliases } from './aliases/path-aliases.ts'
import { casRoutes } from './cas/cas-routes.ts'
import { consentRoutes } from './consent/consent-routes.ts'
import type { AppContext } from './context.ts'
import { devRoutes } from './dev/dev-routes.ts'
import { IdpError } from './errors.ts'
import { logoRoutes } from './federation/logos/logo-routes.ts'
import { healthRoutes } from './health/health-routes.ts'
import { watchMetadataFetches } from './key-rotation/watch-fetches.ts'
import { homeRoutes } from './login/home-routes.ts'
import { loginRoutes } from './login/login-routes.ts'
import { logoutRoutes } from './login/logout-routes.ts'
import { oidcRoutes } from './oidc/oidc-routes.ts'
import { passwordPagesRoutes } from './passwords/password-routes.ts'
import { strengthFiles } from './passwords/strength-files.ts'
import { registrationRoutes } from './registration/registration-routes.ts'
import { samlMetadataRoutes, samlRoutes } from './saml/saml-routes.ts'
import { sessionMiddleware } from './sso/session-store.ts'
import { pageErrorHandler } from './web/errors.ts'
import { pagesRoutes } from './web/pages-routes.ts'
import { configureWeb } from './web/web.ts'

/** The web application: one line per part. A new protocol is one folder and one line here. */
export function createApp(context: AppContext, sessionStore: Store): Express {
  const { config } = context
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', config.trustProxy)
  app.set('query parser', 'simple')

  app.use(healthRoutes(context))
  app.use(aliasMiddleware(pathAliases(config)))
  configureWeb(app, context, strengthFiles)
  app.use(watchMetadataFetches(context))
  app.use(samlMetadataRoutes(context))
  app.use(logoRoutes(context))

  app.use(sessionMiddleware(config, context.secrets, sessionStore))
  app.use(samlRoutes(context))
  app.use(oidcRoutes(context))
  app.use(casRoutes(context))
  app.use(loginRoutes(context))
  app.use(logoutRoutes(context))
  app.use(consentRoutes(context))
  app.use(activationRoutes(context))
  app.use(accountRoutes(context, { activations: activationsPart }))
  app.use(adminRoutes(context))
  if (config.serviceRegistration === 'open') app.use(registrationRoutes(context))
  app.use(homeRoutes(context))
  app.use(pagesRoutes())
  app.use(passwordPagesRoutes())
  if (config.devPages) app.use(devRoutes(context))

  app.use((req) => {
    throw new IdpError('NOT_FOUND', `no page at ${req.path}`, { status: 404 })
  })
  app.use(pageErrorHandler(context))
  return app
}
