import { Router } from 'express'
import type { AppContext } from '../context.ts'
import { maskedRecipients } from '../messages/recipients.ts'
import { showAccountPage, signedIn } from './signed-in.ts'

const dayMs = 86_400_000

/** The first page of the password service: what can be done here, and whether anything should be. */
export function overviewRoutes(context: AppContext): Router {
  const router = Router()

  router.get(
    '/account',
    signedIn(context, (visit) => {
      const { account, person, language } = visit
      const { passwordChangedAt } = account
      showAccountPage(visit, 'overview/overview', {
        tab: 'overview',
        fullName: `${person.firstName[language]} ${person.lastName[language]}`,
        username: account.username,
        passwordAgeDays:
          passwordChangedAt &&
          Math.floor((context.now().getTime() - passwordChangedAt.getTime()) / dayMs),
        contacts: maskedRecipients(account),
        isAdmin: account.adminRight !== undefined,
      })
    }),
  )

  return router
}
