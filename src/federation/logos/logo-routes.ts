import { Router } from 'express'
import type { AppContext } from '../../context.ts'
import { IdpError } from '../../errors.ts'
import { findLogo } from './logos.ts'

/**
 * Logos of services from our own origin: no other server learns who opens a page of ours, and the
 * pages' policy names no foreign host. Before the session: a picture is the same for everybody.
 */
export function logoRoutes({ now }: Pick<AppContext, 'now'>): Router {
  const router = Router()
  router.get('/logos/:id', async (req, res) => {
    const { id } = req.params
    const logo = /^[0-9a-f]{64}$/.test(id) ? await findLogo(id, now()) : undefined
    if (!logo) throw new IdpError('NOT_FOUND', 'no logo has this address', { status: 404 })
    res.setHeader('Content-Type', logo.type)
    res.setHeader('Cache-Control', 'public, max-age=86400')
    // Opened by itself it is a stranger's file on our origin: it may do nothing here.
    res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
    res.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    res.end(logo.picture)
  })
  return router
}
