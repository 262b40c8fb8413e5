import type { AppContext } from '../context.ts'
import type { SessionService } from './sessions.ts'

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
}

/**
 * Tells one service, server to server, that a sign-in ended. Gives up when the signal says so, and
 * does not throw: what went wrong is in the outcome, and in the log.
 */
export type TellService = (
  context: AppContext,
  session: EndedSession,
  service: SessionService,
  signal: AbortSignal,
) => Promise<LogoutOutcome>

const channels = new Map<SessionService['protocol'], TellService>()

/** A protocol says here how its services are told over the back channel. */
export function onLogout(protocol: SessionService['protocol'], tell: TellService): void {
  channels.set(protocol, tell)
}

/** @returns undefined for a protocol without a back channel */
export function backChannelOf(protocol: SessionService['protocol']): TellService | undefined {
  return channels.get(protocol)
}
