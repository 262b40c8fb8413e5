import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { AppContext } from '../context.ts'
import { findCasServiceFor } from '../federation/service-store.ts'
import { currentSession } from '../sso/current-session.ts'
import { servicesInSession } from '../sso/sessions.ts'
import { startLogout } from '../sso/start-logout.ts'
import { textOf } from './login-request.ts'

const logoutPath = '/cas/logout'

/**
 * Logout by a link of a service (CAS Protocol 2.3). The protocol has nothing that shows who asks, so
 * any page could sign people out; it is done at once all the same when a CAS service takes part in
 * the sign-in, because that is what its logout link promised. Whoever uses no CAS service is asked.
 * `service` is gone to only if it is registered; `url` is ignored.
 */
export function logoutRoutes(context: AppContext, parseForm: RequestHandler): Router {
  const router = Router()
  router.get(logoutPath, (req, res) => logOut(req, res, textOf(req.query.service)))
  router.post(logoutPath, parseForm, (req, res) => {
    const service = textOf(req.body?.service)
    const query = service === undefined ? '' : `?${new URLSearchParams({ service })}`
    res.redirect(303, `${logoutPath}${query}`)
  })
  return router

  async function logOut(req: Request, res: Response, address: string | undefined): Promise<void> {
    const registered = address === undefined ? undefined : await findCasServiceFor(address)
    const session = currentSession(context, req)
    if (session) {
      const services = await servicesInSession(session)
      if (!services.some(({ protocol }) => protocol === 'cas')) return res.redirect(303, '/logout')
    }
    // Which service asks the request does not show, so that one is told too.
    await startLogout(context, req, res, registered ? { returnTo: address } : undefined)
  }
}
