import { type Request, Router } from 'express'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { describeService } from '../federation/describe-service.ts'
import { currentSession } from '../sso/current-session.ts'
import { frontChannelOf } from '../sso/logout-channels.ts'
import {
  countLeft,
  endOf,
  findRun,
  isOver,
  noteRequest,
  noteShown,
  stateOf,
} from '../sso/logout-run.ts'
import type { LogoutRunRecord } from '../sso/logout-run-model.ts'
import { distinctServices, servicesInSession } from '../sso/sessions.ts'
import { answerEnd, runUrl, saysHowItWent, startLogout } from '../sso/start-logout.ts'
import { tellLimitMs } from '../sso/tell-services.ts'
import { requireCsrf } from '../web/csrf.ts'
import { languageOf } from '../web/language.ts'
import { renderPostForm } from '../web/post-form.ts'
import { renderPage } from '../web/render.ts'
import { allowOwnFrames, cspFrames, cspOwnRequests } from '../web/security-headers.ts'
import { webParts } from '../web/web-parts.ts'

/** Without script the page asks again after this; with frames in it, when their time is over. */
const refreshSeconds = 1
const refreshWithFramesSeconds = Math.ceil(tellLimitMs / 1000) + 1

/** Signing out: the question, and the page that shows how each service takes it. */
export function logoutRoutes(context: AppContext): Router {
  const router = Router()

  router.get('/logout', async (req, res) => {
    const session = currentSession(context, req)
    const services = session ? distinctServices(await servicesInSession(session)) : []
    renderPage(req, res, 'login/logout', {
      isSignedIn: session !== undefined,
      services: await Promise.all(
        services.map((service) => describeService(service, languageOf(req))),
      ),
    })
  })

  router.post('/logout', requireCsrf, (req, res) => startLogout(context, req, res))

  router.get('/logout/:run', async (req, res) => {
    const found = await findRun(context, req, req.params.run)
    if (!found) return res.redirect(303, '/logout')
    const run = await noteShown(context, found)
    const now = context.now()
    const end = endOf(run)
    // A service that wants no answer leaves the person with us, and with what came of it.
    const isOwed = end?.returnTo !== undefined || end?.state !== undefined
    const over = isOver(run, now)
    const left = countLeft(run, now)
    if (isOwed && over && (left === 0 || saysHowItWent(end))) {
      return res.redirect(303, `${runUrl(run._id)}/finish`)
    }
    // Once only: a frame that is loaded again would tell its service again.
    const frames = found.shownAt ? [] : framesOf(run)
    cspOwnRequests(res)
    cspFrames(
      res,
      frames.map(({ url }) => url),
    )
    renderPage(req, res, 'login/signing-out', {
      services: await Promise.all(run.services.map((_, index) => describe(req, run, index))),
      isOver: over,
      isPartial: left > 0,
      isSignedIn: req.session?.sso !== undefined,
      frames,
      outcomesUrl: `${runUrl(run._id)}/outcomes`,
      refreshSeconds: frames.length > 0 ? refreshWithFramesSeconds : refreshSeconds,
      finish: isOwed && `${runUrl(run._id)}/finish`,
      asker:
        end?.protocol && end.id !== undefined
          ? (await describeService({ protocol: end.protocol, id: end.id }, languageOf(req))).name
          : undefined,
    })
  })

  router.get('/logout/:run/outcomes', async (req, res) => {
    const run = await findRun(context, req, req.params.run)
    res.set('Cache-Control', 'no-store')
    if (!run) return res.json({ services: [], isOver: true })
    const now = context.now()
    const t = webParts(req).translations[languageOf(req)]
    res.json({
      services: run.services.map((service) => {
        const state = stateOf(run, service, now)
        return { state, text: t(`signingOut.state.${state}`) }
      }),
      isOver: isOver(run, now),
    })
  })

  router.get('/logout/:run/finish', async (req, res) => {
    const run = await findRun(context, req, req.params.run)
    if (!run) return res.redirect(303, '/logout')
    await answerEnd(context, req, res, endOf(run), countLeft(run, context.now()))
  })

  router.get('/logout/:run/services/:index', async (req, res) => {
    const place = req.query.in === 'frame' ? 'frame' : 'page'
    if (place === 'frame') allowOwnFrames(res)
    const run = await findRun(context, req, req.params.run)
    const index = /^\d{1,3}$/.test(req.params.index) ? Number(req.params.index) : -1
    const service = run?.services[index]
    if (!run || !service) throw new IdpError('NOT_FOUND', 'no such logout', { status: 404 })
    const front = service.frontUrl === undefined ? undefined : frontChannelOf(service.protocol)
    const message = await front?.message(context, service, place)
    if (!message) throw new IdpError('NOT_FOUND', 'no way to this service', { status: 404 })
    await noteRequest(run._id, index, message.requestId)
    res.set('Cache-Control', 'no-store')
    if (!message.fields) return res.redirect(303, message.url)
    renderPostForm(req, res, { action: message.url, fields: message.fields })
  })

  return router

  async function describe(req: Request, run: LogoutRunRecord, index: number) {
    const service = run.services[index]!
    const { name, url } = await describeService(service, languageOf(req))
    const state = stateOf(run, service, context.now())
    const isLeft = state !== 'done' && state !== 'telling' && state !== 'waiting'
    const there = service.frontUrl ? `${runUrl(run._id)}/services/${index}` : undefined
    return {
      name,
      state,
      // To the service itself where it has no address for a sign-out.
      signOutUrl: isLeft ? there : undefined,
      openUrl: isLeft && !there ? url : undefined,
    }
  }
}

/** The services that the browser tells, each in a frame of its own: none can hold up another. */
function framesOf(run: LogoutRunRecord): { src: string; url: string }[] {
  return run.services.flatMap(({ channel, frontUrl, outcome }, index) =>
    channel === 'front' && frontUrl && !outcome
      ? [{ src: `${runUrl(run._id)}/services/${index}?in=frame`, url: frontUrl }]
      : [],
  )
}
