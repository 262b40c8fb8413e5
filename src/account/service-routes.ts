import { Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { RegisteredService } from '../federation/service.ts'
import { findService } from '../federation/service-store.ts'
import { openServiceList } from './service-list.ts'
import { describeRelease } from './service-release.ts'
import { showAccountPage, signedIn } from './signed-in.ts'

/** Longest search. Characters. */
const maxSearchLength = 100

/** The services that the account opens, and what each of them would get. */
export function serviceRoutes(context: AppContext): Router {
  const router = Router()
  const environment = attributeEnvironment(context)
  const list = openServiceList(environment)

  router.get(
    '/account/services',
    signedIn(context, async (visit) => {
      const { q } = visit.req.query
      const search = typeof q === 'string' ? q.slice(0, maxSearchLength).trim() : ''
      const found = await list.find(search, visit.language, context.now())
      showAccountPage(visit, 'services/services', { tab: 'services', search, ...found })
    }),
  )

  router.get(
    '/account/services/release',
    signedIn(context, async (visit) => {
      const { protocol, id } = visit.req.query
      const service = await findApproved(protocol, id, context.now())
      const release = describeRelease(service, visit, environment, context.now())
      showAccountPage(visit, 'services/release', { tab: 'services', ...release })
    }),
  )

  return router
}

/** @throws {IdpError} NOT_FOUND, also for a service that waits for approval: nobody can go there */
async function findApproved(protocol: unknown, id: unknown, now: Date): Promise<RegisteredService> {
  const isKnown = protocol === 'saml' || protocol === 'oidc' || protocol === 'cas'
  const service =
    typeof id === 'string' && isKnown ? await findService(protocol, id, now) : undefined
  if (service?.state !== 'approved') {
    const message = `no service "${String(id).slice(0, 200)}" is registered for ${String(protocol).slice(0, 20)}`
    throw new IdpError('NOT_FOUND', message, { status: 404 })
  }
  return service
}
