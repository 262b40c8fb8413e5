import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { appendCookie, readCookie } from '../web/cookies.ts'
import type { RecoveryAttempt } from './recovery.ts'

type CookieContext = Pick<AppContext, 'config' | 'now'>

/** What ties a recovery to the browser. */
export interface RecoveryKey {
  readonly token: string
  /**
   * Comes with the right code, and is asked for from then on: whoever had the cookie before, because
   * they planted it in this browser or used this computer, does not come along.
   */
  readonly proof?: string
}

export function readRecoveryKey(context: CookieContext, req: Request): RecoveryKey | undefined {
  const value = readCookie(req, cookieName(context)) ?? ''
  const [, token, proof] = /^([\w-]{22})(?:\.([\w-]{22}))?$/.exec(value) ?? []
  return token === undefined ? undefined : { token, proof }
}

export function setRecoveryKey(
  context: CookieContext,
  res: Response,
  { token, proof }: RecoveryKey,
  attempt: Pick<RecoveryAttempt, 'expiresAt'>,
): void {
  const leftMs = attempt.expiresAt.getTime() - context.now().getTime()
  appendCookie(res, cookieName(context), proof === undefined ? token : `${token}.${proof}`, {
    secure: context.config.isHttps,
    maxAgeSeconds: Math.ceil(leftMs / 1000),
  })
}

function cookieName({ config }: Pick<AppContext, 'config'>): string {
  return config.isHttps ? '__Host-recovery' : 'recovery'
}
