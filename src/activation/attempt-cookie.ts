import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { appendCookie, readCookie } from '../web/cookies.ts'
import type { ActivationAttempt } from './attempt.ts'

type CookieContext = Pick<AppContext, 'config' | 'now'>

/** What ties an activation to the browser, so that it goes on in another tab. */
export interface AttemptKey {
  readonly token: string
  /**
   * Comes with the right PIN, and is asked for from then on: whoever had the cookie before, because
   * they planted it in this browser or used this computer, does not come along.
   */
  readonly proof?: string
}

export function readAttemptKey(context: CookieContext, req: Request): AttemptKey | undefined {
  const value = readCookie(req, cookieName(context)) ?? ''
  const [, token, proof] = /^([\w-]{22})(?:\.([\w-]{22}))?$/.exec(value) ?? []
  return token === undefined ? undefined : { token, proof }
}

export function setAttemptKey(
  context: CookieContext,
  res: Response,
  { token, proof }: AttemptKey,
  attempt: Pick<ActivationAttempt, 'expiresAt'>,
): void {
  const leftMs = attempt.expiresAt.getTime() - context.now().getTime()
  appendCookie(res, cookieName(context), proof === undefined ? token : `${token}.${proof}`, {
    secure: context.config.isHttps,
    maxAgeSeconds: Math.ceil(leftMs / 1000),
  })
}

export function clearAttemptKey(context: CookieContext, res: Response): void {
  appendCookie(res, cookieName(context), '', { secure: context.config.isHttps, maxAgeSeconds: 0 })
}

function cookieName({ config }: CookieContext): string {
  return config.isHttps ? '__Host-activation' : 'activation'
}
