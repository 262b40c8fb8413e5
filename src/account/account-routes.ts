import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { changePasswordRoutes } from './change-password-routes.ts'
import { consentRoutes } from './consent-routes.ts'
import { contactRoutes } from './contact-routes.ts'
import { contactUndoRoutes } from './contact-undo-routes.ts'
import { dataRoutes } from './data-routes.ts'
import type { ExportParts } from './export-parts.ts'
import { informationRoutes } from './information-routes.ts'
import { overviewRoutes } from './overview-routes.ts'
import { recoveryRoutes } from './recovery-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'

/**
 * The password service: everything that people do with their account by themselves, under /account.
 * @param moreParts what rooms above this one hold about a person, for the export
 */
export function accountRoutes(context: AppContext, moreParts: ExportParts): Router {
  const router = Router()
  router.use(overviewRoutes(context))
  router.use(changePasswordRoutes(context))
  router.use(contactRoutes(context))
  router.use(contactUndoRoutes(context))
  router.use(recoveryRoutes(context))
  router.use(informationRoutes(context))
  router.use(serviceRoutes(context))
  router.use(signInRoutes(context))
  router.use(consentRoutes(context))
  router.use(dataRoutes(context, moreParts))
  return router
}
