import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { overviewRoutes } from './overview-routes.ts'

/** The password service: everything that people do with their account by themselves, under /account. */
export function accountRoutes(context: AppContext): Router {
  const router = Router()
  router.use(overviewRoutes(context))
  return router
}
