import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { describeService } from '../federation/describe-service.ts'
import { endEverywhere } from '../sso/end-everywhere.ts'
import type { EndedSession } from '../sso/logout-channels.ts'
import { endOwnSession, sessionHandle } from '../sso/own-sessions.ts'
import { takeSession } from '../sso/sessions.ts'
import { followLogout, startLogout } from '../sso/start-logout.ts'
import { formatMoment } from '../web/date-time.ts'
import { findReceivingServices, type ReceivingService } from './received-data.ts'
import { openSessions, recentSignIns } from './sign-ins.ts'
import { showAccountPage, signedIn, type Visit } from './signed-in.ts'

const page = '/account/sign-ins'

/** What the page says after something was ended; texts are `account.signIns.ended.…`. */
const outcomes = ['one', 'others', 'gone'] as const

/** Where the account is signed in and was, and which services learnt something about the person. */
export function signInRoutes(context: AppContext): Router {
  const router = Router()

  router.get(
    page,
    signedIn(context, async (visit) => {
      const { req } = visit
      const before = readInstant(req.query.before)
      const { signIns, older } = await recentSignIns(visit, before)
      showAccountPage(visit, 'sign-ins/sign-ins', {
        tab: 'signIns',
        ended: outcomes.find((outcome) => outcome === req.query.ended),
        // Further back there is only the list that goes back.
        sessions: before ? undefined : await openSessions(context, req.sessionStore, visit),
        signIns,
        older: older?.getTime(),
      })
    }),
  )

  router.post(
    `${page}/end`,
    signedIn(
      context,
      async (visit) => {
        const { req, res, session } = visit
        const handle: unknown = req.body.session
        if (handle === sessionHandle(session)) return startLogout(context, req, res)
        const ended =
          typeof handle === 'string'
            ? await endOwnSession(context, session.personId, handle)
            : undefined
        if (ended !== undefined) record(visit, { sessionId: ended.id, sessions: 1 })
        const returnTo = `${page}?ended=${ended === undefined ? 'gone' : 'one'}`
        await followLogout(context, req, res, {
          here: [],
          elsewhere: ended ? [ended] : [],
          end: { returnTo },
        })
      },
      { page },
    ),
  )

  router.post(
    `${page}/end-others`,
    signedIn(
      context,
      async (visit) => {
        const { id: exceptSessionId, personId } = visit.session
        const { sessions, ended } = await endAndTake(personId, exceptSessionId)
        record(visit, { sessions })
        await followLogout(context, visit.req, visit.res, {
          here: [],
          elsewhere: ended,
          end: { returnTo: `${page}?ended=others` },
        })
      },
      { page },
    ),
  )

  router.post(
    `${page}/end-all`,
    signedIn(
      context,
      async (visit) => {
        const { req, res, session } = visit
        const { sessions, ended } = await endAndTake(session.personId)
        record(visit, { sessions })
        await takeSession(context, req)
        const isHere = ({ id }: EndedSession) => id === session.id
        await followLogout(context, req, res, {
          here: ended.filter(isHere),
          elsewhere: ended.filter((one) => !isHere(one)),
        })
      },
      { page },
    ),
  )

  router.get(
    `${page}/services`,
    signedIn(context, async (visit) => {
      const before = readInstant(visit.req.query.before)
      const found = await findReceivingServices(visit.session.personId, before)
      showAccountPage(visit, 'sign-ins/services', {
        tab: 'signIns',
        receivers: await Promise.all(found.services.map((service) => describe(visit, service))),
        isOlder: before !== undefined,
        older: found.older?.getTime(),
      })
    }),
  )

  /** The page tells the person what came of telling the services. */
  async function endAndTake(personId: string, exceptSessionId?: string) {
    let ended: readonly EndedSession[] = []
    const { sessions } = await endEverywhere(context, personId, {
      ...(exceptSessionId === undefined ? {} : { exceptSessionId }),
      tell(those) {
        ended = those
      },
    })
    return { sessions, ended }
  }

  function record({ req, session }: Visit, ended: { sessionId?: string; sessions: number }): void {
    const { sessionId, sessions } = ended
    context.audit.record({
      event: 'session.end',
      result: 'success',
      personId: session.personId,
      username: session.username,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...requestOrigin(req),
      details: { by: 'owner', sessions },
    })
  }

  return router
}

async function describe({ language, t }: Visit, service: ReceivingService) {
  const { name, host } = await describeService(service, language)
  const labels = service.attributes.map((attribute) => t(`attribute.${attribute}`))
  return {
    name,
    host,
    times: service.times,
    lastAt: formatMoment(service.lastAt, language),
    attributes: [...new Set(labels)],
  }
}

/** A moment in a link of ours: milliseconds since the epoch. */
function readInstant(value: unknown): Date | undefined {
  return typeof value === 'string' && /^\d{1,14}$/.test(value) ? new Date(Number(value)) : undefined
}
