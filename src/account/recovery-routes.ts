import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { recoveryCodeRoutes } from './recovery-code-routes.ts'
import { recoveryPages } from './recovery-page.ts'
import { recoveryPasswordRoutes } from './recovery-password-routes.ts'

/** «Έχω ξεχάσει τον κωδικό μου»: a new password for people who are not signed in. */
export function recoveryRoutes(context: AppContext): Router {
  const pages = recoveryPages(context)
  const router = Router()
  router.use(recoveryCodeRoutes(pages))
  router.use(recoveryPasswordRoutes(pages))
  return router
}
