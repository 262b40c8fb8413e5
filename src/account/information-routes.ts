import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { informationFacts } from './information.ts'
import { showAccountPage, signedIn } from './signed-in.ts'

/** What is on record about the person and the account, and whom to ask for a correction. */
export function informationRoutes(context: AppContext): Router {
  const router = Router()
  router.get(
    '/account/information',
    signedIn(context, async (visit) => {
      const facts = await informationFacts(context, visit)
      showAccountPage(visit, 'information/information', { tab: 'information', ...facts })
    }),
  )
  return router
}
