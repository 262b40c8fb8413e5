import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { summarizeService } from '../federation/service-summary.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { outboxRoutes } from './outbox-routes.ts'

/** Help for trying the demo: its accounts, services and people to activate. Never in production (config.ts refuses). */
export function devRoutes(context: AppContext): Router {
  const router = Router()
  router.use(outboxRoutes())
  router.get('/dev', async (req, res) => {
    const language = languageOf(req)
    const { demoAccounts, demoActivations } = await import('../../demo/people.ts')
    renderPage(req, res, 'dev/index', {
      activations: context.config.demo ? demoActivations : [],
      accounts: context.config.demo ? demoAccounts : [],
      services: (await listApprovedServices()).map((service) =>
        summarizeService(service, language),
      ),
    })
  })
  return router
}
