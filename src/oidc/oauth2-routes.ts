import type { IncomingMessage } from 'node:http'
import express, { type NextFunction, type Request, type Response, Router } from 'express'
import { registeredScopes } from '../attributes/targets.ts'
import { findRelyingParty } from '../federation/service-store.ts'

/** Requests for userinfo whose answer is to have the form of a profile. */
const profileRequests = new WeakSet<IncomingMessage>()

/**
 * OAuth 2.0 for services that do not know OpenID Connect, as CAS servers offer it: `/oauth2/authorize`
 * and `/oauth2/profile`; the token endpoint is an alias alone. Each becomes the address of OpenID
 * Connect that does the same: there is one issuer of codes and tokens.
 *
 * Two things differ. A request without `scope` gets all that the client is registered for, and always
 * `openid`: the server may have such a default and says what it was in the token response (RFC 6749
 * 3.3, 5.1). And the profile has other names (profile.ts).
 */
export function oauth2Routes(): Router {
  const router = Router()
  const parseForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 100 })

  router.get('/oauth2/authorize', async (req, _res, next) => {
    const parameters = new URLSearchParams(req.originalUrl.split('?').slice(1).join('?'))
    await addScopes(parameters)
    goOn(req, next, `/oidc/auth?${parameters}`)
  })
  // A form from another site comes without our cookie: as a GET it brings it (as in oidc-routes.ts).
  router.post('/oauth2/authorize', parseForm, (req: Request, res: Response) => {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries((req.body ?? {}) as Record<string, unknown>)) {
      for (const one of [value].flat()) parameters.append(name, String(one))
    }
    res.redirect(303, `/oauth2/authorize?${parameters}`)
  })
  router.all('/oauth2/profile', (req, _res, next) => {
    profileRequests.add(req)
    goOn(req, next, '/oidc/userinfo')
  })
  return router
}

export function wantsProfile(req: IncomingMessage): boolean {
  return profileRequests.has(req)
}

/** A scope that occurs twice, or a client that nobody knows, is left for the library to refuse. */
async function addScopes(parameters: URLSearchParams): Promise<void> {
  const given = parameters.getAll('scope')
  const clientId = parameters.get('client_id')
  if (given.length > 1 || clientId === null) return
  const asked = (given[0] ?? '').split(' ').filter(Boolean)
  const relyingParty = asked.length === 0 ? await findRelyingParty(clientId) : undefined
  const scopes = relyingParty ? registeredScopes(relyingParty) : asked
  // A refresh token that outlives the session is for those who ask for it.
  const wanted = relyingParty ? scopes.filter((scope) => scope !== 'offline_access') : scopes
  parameters.set('scope', [...new Set(['openid', ...wanted])].join(' '))
}

/** The rest of the way sees our own address only. */
function goOn(req: Request, next: NextFunction, url: string): void {
  req.url = url
  req.originalUrl = url
  next()
}
