import { Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { openLimiter } from '../limits/limiter.ts'
import { casFormRoutes } from './cas-form-routes.ts'
import { checkRoutes } from './check-routes.ts'
import { clientRoutes } from './client-routes.ts'
import { requestRoutes } from './request-routes.ts'
import { sandboxCasRoutes } from './sandbox-cas-routes.ts'
import { sandboxOidcRoutes } from './sandbox-oidc-routes.ts'
import { sandboxRoutes } from './sandbox-routes.ts'
import { stateRoutes } from './state-routes.ts'

/** Services that register themselves: what they hand in is checked, confirmed by mail, decided by people. */
export function registrationRoutes(context: AppContext): Router {
  const router = Router()
  const limiter = openLimiter(context)
  const environment = attributeEnvironment(context)
  const checkContext = { ...context, environment }
  router.use('/federation', (req, res, next) => {
    // Software that speaks JSON is answered in JSON, refusals included.
    if (req.is('json')) req.headers.accept = 'application/json'
    // As wordsFor() answers it, so that a refusal reads in the language of the rest.
    if (req.headers.accept === 'application/json') req.headers['accept-language'] ??= 'en'
    // Links to these pages are secrets: no other site learns them.
    res.setHeader('Referrer-Policy', 'same-origin')
    next()
  })
  router.use(checkRoutes(context, checkContext, limiter))
  router.use(casFormRoutes(checkContext, limiter))
  router.use(requestRoutes(context, checkContext, limiter))
  router.use(stateRoutes(context, environment))
  router.use(sandboxRoutes(context, environment, limiter))
  router.use(sandboxOidcRoutes(context, environment, limiter))
  router.use(sandboxCasRoutes(context, environment, limiter))
  router.use(clientRoutes(context, checkContext, limiter))
  return router
}
