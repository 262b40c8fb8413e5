import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { summarizeService } from '../federation/service-summary.ts'
import { findAccountByUsername } from '../people/people-store.ts'
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
      accounts: context.config.demo ? await withContacts(demoAccounts) : [],
      services: (await listApprovedServices()).map((service) =>
        summarizeService(service, language),
      ),
    })
  })
  return router
}

/** With the recovery contacts that each has now, for trying the password service. */
function withContacts<T extends { readonly username: string }>(accounts: readonly T[]) {
  return Promise.all(
    accounts.map(async (account) => {
      const stored = await findAccountByUsername(account.username)
      const contacts = [stored?.mobile, stored?.email].filter((contact) => contact !== undefined)
      return { ...account, contacts }
    }),
  )
}
