import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { checkRoutes } from './check-routes.ts'

/** Services that register themselves: what they hand in is checked, confirmed by mail, decided by people. */
export function registrationRoutes(context: AppContext): Router {
  const router = Router()
  router.use('/federation', (req, res, next) => {
    // Software that speaks JSON is answered in JSON, refusals included.
    if (req.is('json')) req.headers.accept = 'application/json'
    // Links to these pages are secrets, and what they show is not for other sites.
    res.setHeader('Referrer-Policy', 'same-origin')
    next()
  })
  router.use(checkRoutes(context))
  return router
}
