import type { AppContext } from '../context.ts'
import {
  backChannelOf,
  type EndedSession,
  type LogoutOutcome,
  type TellService,
} from './logout-channels.ts'
import { forgetRecords } from './session-record.ts'
import type { SessionService } from './sessions.ts'
import { withinMs } from './within-ms.ts'

/** No service delays anybody for longer. */
export const tellLimitMs = 5000

/** What came of telling one service. */
export interface ToldService {
  readonly sessionId: string
  readonly service: SessionService
  readonly outcome: LogoutOutcome
}

/** Under way in this process. */
const running = new Set<Promise<unknown>>()

/** Resolves when nobody is being told any more; within tellLimitMs and the time of a write. */
export async function logoutsSettled(): Promise<void> {
  while (running.size > 0) await Promise.allSettled([...running])
}

/**
 * Tells the services of these sign-ins, server to server and all at once, and forgets the sign-ins.
 * Never rejects, and takes no longer than tellLimitMs and a write, whatever a service or a protocol does.
 */
export async function tellServices(
  context: AppContext,
  sessions: readonly EndedSession[],
): Promise<ToldService[]> {
  const told = await Promise.all(
    sessions.flatMap((session) =>
      session.services.map(async (service) => ({
        sessionId: session.id,
        service,
        outcome: await tellService(context, session, service),
      })),
    ),
  )
  await forgetTold(context, sessions)
  return told
}

/** Never rejects: a record that stays has its services told once more, by whoever finds it. */
export async function forgetTold(
  context: Pick<AppContext, 'log'>,
  sessions: readonly Pick<EndedSession, 'id'>[],
): Promise<void> {
  try {
    await forgetRecords(sessions.map(({ id }) => id))
  } catch (error) {
    context.log.error({ err: error }, 'a sign-in whose services have been told was not removed')
  }
}

/**
 * Never rejects.
 *
 * @param limitMs less than tellLimitMs where some of that has gone already
 */
export function tellService(
  context: AppContext,
  session: EndedSession,
  service: SessionService,
  limitMs = tellLimitMs,
): Promise<LogoutOutcome> {
  return inBackground(attempt(context, session, service, limitMs))
}

/** Waited for when the process stops. */
export function inBackground<T>(work: Promise<T>): Promise<T> {
  running.add(work)
  const forget = () => running.delete(work)
  work.then(forget, forget)
  return work
}

async function attempt(
  context: AppContext,
  session: EndedSession,
  service: SessionService,
  limitMs: number,
): Promise<LogoutOutcome> {
  const tell = backChannelOf(service.protocol)
  const outcome = tell ? await inTime(context, tell, session, service, limitMs) : 'impossible'
  recordOutcome(context, session, service, outcome, 'back channel')
  return outcome
}

async function inTime(
  context: AppContext,
  tell: TellService,
  session: EndedSession,
  service: SessionService,
  limitMs: number,
): Promise<LogoutOutcome> {
  const stop = new AbortController()
  const told = tell(context, session, service, stop.signal).catch((error): LogoutOutcome => {
    context.log.error(
      { err: error, service: service.id },
      'a service could not be told of a logout',
    )
    return 'failed'
  })
  const outcome = await withinMs(told, limitMs)
  if (outcome === undefined) stop.abort()
  return outcome ?? 'no-answer'
}

/** For the audit log: who was told of which sign-in's end, and what came of it. */
export function recordOutcome(
  context: Pick<AppContext, 'audit'>,
  session: Pick<EndedSession, 'id' | 'personId' | 'username'>,
  service: Pick<SessionService, 'protocol' | 'id'>,
  outcome: LogoutOutcome,
  channel: 'back channel' | 'browser',
): void {
  context.audit.record({
    event: 'logout.service',
    result: outcome === 'done' ? 'success' : 'failure',
    ...(outcome === 'done' ? {} : { reason: outcome }),
    personId: session.personId,
    username: session.username,
    service: service.id,
    sessionId: session.id,
    details: { protocol: service.protocol, channel },
  })
}
