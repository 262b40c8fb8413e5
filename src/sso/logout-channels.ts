import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import type { SessionService } from './sessions.ts'
import type { SsoSession } from './sso-session.ts'

/**
 * What came of telling a service that a sign-in ended.
 *
 * - `done`: it says that its own session is over
 * - `failed`: it answered, but not that
 * - `no-answer`: nothing came in time, or nothing could be reached
 * - `impossible`: it registered no way to be told
 */
export type LogoutOutcome = 'done' | 'failed' | 'no-answer' | 'impossible'

/** A sign-in that no longer counts, as services need to hear of it. */
export interface EndedSession {
  /** SsoSession.id; sessionIndexFor() and the OpenID Connect `sid` are made of it. */
  readonly id: string
  readonly personId: string
  readonly username: string
  readonly services: readonly SessionService[]
  /** The institution ended it, not the person. */
  readonly isByAdministrator?: boolean
}

/**
 * Tells one service, server to server, that a sign-in ended. Gives up when the signal says so, and
 * does not throw: what went wrong is in the outcome, and in the log. `impossible` when the service
 * registered no address to be told at.
 */
export type TellService = (
  context: AppContext,
  session: EndedSession,
  service: SessionService,
  signal: AbortSignal,
) => Promise<LogoutOutcome>

/** Where a browser can be sent to tell a service. */
export interface FrontEndpoint {
  /** Address in the registration: its origin is the one that a frame of ours may show. */
  readonly url: string
  /** The message must be posted: without script somebody has to press a button. */
  readonly needsScript: boolean
  /** It can be told in no other way: the back channel would be `impossible`. */
  readonly isOnlyWay: boolean
}

/** A message to a service that a browser carries. */
export interface FrontMessage {
  /** By which the answer is known: see `recordFrontOutcome`. */
  readonly requestId: string
  readonly url: string
  /** Posted to the url; absent: the url is opened. */
  readonly fields?: Readonly<Record<string, string | undefined>>
}

/** How services of a protocol are told through the browser, when nothing better is there. */
export interface FrontChannel {
  /** @returns undefined when the service registered no such address */
  endpoint(context: AppContext, service: SessionService): Promise<FrontEndpoint | undefined>
  /**
   * A message of its own each time: its id is never used twice.
   *
   * @param place `frame`: a hidden frame of the logout page; `page`: the whole window
   */
  message(
    context: AppContext,
    service: SessionService,
    place: 'frame' | 'page',
  ): Promise<FrontMessage | undefined>
}

/** What is owed to whoever began a logout, once the others have been told. */
export interface LogoutEnd {
  /** The service that asked: it is named on the button that leads back, and not told. */
  readonly protocol?: SessionService['protocol']
  readonly id?: string
  /** It is told all the same, as it expects to be. */
  readonly isToldToo?: boolean
  /** Where the browser goes: an address from the service's registration, or a path of ours. */
  readonly returnTo?: string
  /** What the protocol itself answers with, JSON: `answerLogout` of the protocol gets it. */
  readonly state?: unknown
}

/**
 * Answers the service that began a logout.
 *
 * @param left how many services were not told, or did not say that they ended their session
 */
export type AnswerLogout = (
  context: AppContext,
  request: Request,
  response: Response,
  end: LogoutEnd,
  left: number,
) => Promise<void>

/** Removes what a protocol keeps of a session that ended. */
export type RemoveOfSession = (session: Pick<SsoSession, 'id' | 'personId'>) => Promise<void>

type Protocol = SessionService['protocol']

const channels = new Map<Protocol, { tell: TellService; front?: FrontChannel }>()
const answers = new Map<Protocol, AnswerLogout>()
const removers = new Map<Protocol, RemoveOfSession>()

/** A protocol says here how its services are told over the back channel, and through the browser. */
export function onLogout(protocol: Protocol, tell: TellService, front?: FrontChannel): void {
  channels.set(protocol, front ? { tell, front } : { tell })
}

/** A protocol in which a logout is answered by more than a redirect says here how. */
export function onLogoutEnd(protocol: Protocol, answer: AnswerLogout): void {
  answers.set(protocol, answer)
}

/** A protocol with a session or tokens of its own says here how those of one sign-in go. */
export function onSessionEnd(protocol: Protocol, remove: RemoveOfSession): void {
  removers.set(protocol, remove)
}

/** @returns undefined for a protocol without a back channel */
export function backChannelOf(protocol: Protocol): TellService | undefined {
  return channels.get(protocol)?.tell
}

/** @returns undefined for a protocol that tells nobody through the browser */
export function frontChannelOf(protocol: Protocol): FrontChannel | undefined {
  return channels.get(protocol)?.front
}

export function logoutAnswerOf(protocol: Protocol): AnswerLogout | undefined {
  return answers.get(protocol)
}

/** Everything that protocols keep of the session. */
export async function removeOfSession(session: Pick<SsoSession, 'id' | 'personId'>): Promise<void> {
  await Promise.all([...removers.values()].map((remove) => remove(session)))
}
