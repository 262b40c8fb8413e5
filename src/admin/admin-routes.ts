import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { listKeys } from '../keys/key-records.ts'
import { keyNotices } from './key-view.ts'
import { keyRoutes } from './keys-routes.ts'
import { adminPage } from './require-admin.ts'
import { showAdminPage } from './show-page.ts'

/** The console, under /admin: for people to whom `propylaia admin grant` gave the right. */
export function adminRoutes(context: AppContext): Router {
  const router = Router()

  router.get(
    '/admin',
    adminPage(context, async (visit) => {
      const notices = keyNotices(context, await listKeys(), visit.language)
      showAdminPage(visit, 'start', { tab: 'start', notices })
    }),
  )
  router.use(keyRoutes(context))

  return router
}
