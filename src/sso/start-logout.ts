import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import {
  backChannelOf,
  type EndedSession,
  type FrontEndpoint,
  frontChannelOf,
  type LogoutEnd,
  logoutAnswerOf,
} from './logout-channels.ts'
import { createRun, noteOutcome } from './logout-run.ts'
import type { RunService } from './logout-run-model.ts'
import { logoutError, type SessionService, takeSession } from './sessions.ts'
import {
  forgetTold,
  inBackground,
  tellLimitMs,
  tellService,
  tellServices,
} from './tell-services.ts'
import { withinMs } from './within-ms.ts'

/** A service that waits for its answer gets it without a page when all answer within this. */
const atOnceMs = 1500
/** Looking up how a service is told may ask a federation's server: not for long, it is part of tellLimitMs. */
const planMs = 1500

/** The page that shows how a logout goes. */
export function runUrl(id: string): string {
  return `/logout/${id}`
}

/**
 * Ends this browser's sign-in and tells every service in it; then the browser goes where `end` says.
 * The one way in for all protocols and for our own page. Answers the request.
 *
 * The session is over before anybody is told: whatever happens then, nobody is signed in. What a crash
 * leaves untold is told by whoever finds it (unfinished-logouts.ts).
 *
 * @param end what is owed at the end; a service named in it asked for the logout and is not told
 */
export async function startLogout(
  context: AppContext,
  req: Request,
  res: Response,
  end?: LogoutEnd,
): Promise<void> {
  const ended = req.session ? await takeSession(context, req) : undefined
  await followLogout(context, req, res, { here: ended ? [ended] : [], elsewhere: [], end })
}

/** Sign-ins that have ended already, whose services are to be told in front of the person. */
export interface EndedHere {
  /** Of this browser: services without a back channel can be told by it. */
  readonly here: readonly EndedSession[]
  /** Of other browsers: server to server only. */
  readonly elsewhere: readonly EndedSession[]
  readonly end?: LogoutEnd
}

/**
 * The second half of startLogout(), for sign-ins that another way has ended. Answers the request.
 *
 * @throws {IdpError} LOGOUT_UNFINISHED the store failed; the services are told all the same
 */
export async function followLogout(
  context: AppContext,
  req: Request,
  res: Response,
  { here, elsewhere, end }: EndedHere,
): Promise<void> {
  const begunMs = performance.now()
  const all = [...here, ...elsewhere]
  const planned = await Promise.all([
    ...here.flatMap((session) => plan(context, session, { isHere: true, end })),
    ...elsewhere.flatMap((session) => plan(context, session, { isHere: false, end })),
  ])
  const [first] = planned
  if (!first) {
    await forgetTold(context, all)
    return answerEnd(context, req, res, end, 0)
  }
  const { personId, username } = first.session
  const services = planned.map(({ service }) => service)
  const run = await createRun(context, req, res, { personId, username, services, end }).catch(
    (cause) => {
      // No page can show how it goes, but the services hear of it.
      const left = all.map((session) => ({ ...session, services: heard(session, end) }))
      void inBackground(tellServices(context, left))
      throw logoutError('LOGOUT_UNFINISHED', 'the logout could not be written down', cause)
    },
  )
  // Planning counts: a service that is slow to look up and slow to answer delays nobody twice.
  const limitMs = tellLimitMs - (performance.now() - begunMs)
  const told = planned.flatMap(({ session, service }, index) =>
    service.channel === 'back'
      ? [tellAndNote(context, run._id, index, { session, service, limitMs })]
      : [],
  )
  inBackground(Promise.all(told).then(() => forgetTold(context, all)))
  if (isAnsweredAtOnce(end) && told.length === services.length) {
    const outcomes = await withinMs(Promise.all(told), atOnceMs)
    const left = outcomes?.filter((outcome) => outcome !== 'done').length
    // A redirect says nothing of services that are left: then the page does.
    if (left === 0 || (left !== undefined && saysHowItWent(end))) {
      return answerEnd(context, req, res, end, left)
    }
  }
  res.redirect(303, runUrl(run._id))
}

/** Sends the browser on, or answers the service that began. */
export async function answerEnd(
  context: AppContext,
  req: Request,
  res: Response,
  end: LogoutEnd | undefined,
  left: number,
): Promise<void> {
  const answer = end?.protocol && end.state !== undefined && logoutAnswerOf(end.protocol)
  if (answer) return answer(context, req, res, end, left)
  res.redirect(303, end?.returnTo ?? '/logout')
}

/** Whether the answer itself tells the service what is left, so that nobody need stop at our page. */
export function saysHowItWent(end: LogoutEnd | undefined): boolean {
  return end?.state !== undefined
}

function isAnsweredAtOnce(end: LogoutEnd | undefined): boolean {
  return end?.state !== undefined || end?.returnTo !== undefined
}

/** Who asked knows, also of the sign-ins in other browsers that it named. */
function heard({ services }: EndedSession, end: LogoutEnd | undefined): readonly SessionService[] {
  return services.filter(
    ({ protocol, id }) => end?.isToldToo || protocol !== end?.protocol || id !== end.id,
  )
}

function plan(
  context: AppContext,
  session: EndedSession,
  { isHere, end }: { isHere: boolean; end?: LogoutEnd },
): Promise<{ session: EndedSession; service: RunService }>[] {
  return heard(session, end).map(async (service) => {
    const front = isHere ? await frontEndpoint(context, service) : undefined
    const isFront = front?.isOnlyWay === true || (front && !backChannelOf(service.protocol))
    return {
      session,
      service: toRunService(session, service, isFront ? 'front' : 'back', front),
    }
  })
}

async function frontEndpoint(
  context: AppContext,
  service: SessionService,
): Promise<FrontEndpoint | undefined> {
  try {
    return await withinMs(
      frontChannelOf(service.protocol)?.endpoint(context, service) ?? Promise.resolve(undefined),
      planMs,
    )
  } catch (error) {
    // One service that cannot be looked up must not keep the others from being told.
    context.log.warn({ err: error, service: service.id }, 'how to tell a service is not known')
    return undefined
  }
}

function toRunService(
  session: EndedSession,
  service: SessionService,
  channel: RunService['channel'],
  front: FrontEndpoint | undefined,
): RunService {
  const { protocol, id, nameId, nameIdFormat, sessionIndex } = service
  return {
    protocol,
    id,
    ...(nameId === undefined ? {} : { nameId }),
    ...(nameIdFormat === undefined ? {} : { nameIdFormat }),
    ...(sessionIndex === undefined ? {} : { sessionIndex }),
    sessionId: session.id,
    channel,
    ...(front && { frontUrl: front.url, frontNeedsScript: front.needsScript }),
  }
}

function tellAndNote(
  context: AppContext,
  runId: string,
  index: number,
  {
    session,
    service,
    limitMs,
  }: { session: EndedSession; service: SessionService; limitMs: number },
) {
  return inBackground(
    tellService(context, session, service, limitMs).then(async (outcome) => {
      await noteOutcome(runId, index, outcome).catch((error) =>
        context.log.error({ err: error }, 'the outcome of a logout was not written'),
      )
      return outcome
    }),
  )
}
