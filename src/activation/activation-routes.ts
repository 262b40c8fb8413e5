import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { activationPages } from './activation-page.ts'
import { codeRoutes } from './code-routes.ts'
import { contactRoutes } from './contact-routes.ts'
import { finishRoutes } from './finish-routes.ts'
import { recordRoutes } from './record-routes.ts'
import { startRoutes } from './start-routes.ts'

/** Activation: from a source's record to a working account, pages 0 to 7 under /register. */
export function activationRoutes(context: AppContext): Router {
  const pages = activationPages(context)
  const router = Router()
  router.use(startRoutes(pages))
  router.use(contactRoutes(pages))
  router.use(recordRoutes(pages))
  router.use(finishRoutes(pages))
  router.use(codeRoutes(context))
  return router
}
