import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { appendCookie, readCookie } from '../web/cookies.ts'

/** The cookie that ties an activation to the browser, so that it goes on in another tab. */
export function readAttemptToken(context: Pick<AppContext, 'config'>, req: Request) {
  const token = readCookie(req, cookieName(context))
  return token !== undefined && /^[A-Za-z0-9_-]{22}$/.test(token) ? token : undefined
}

export function setAttemptToken(
  context: Pick<AppContext, 'config'>,
  res: Response,
  token: string,
): void {
  appendCookie(res, cookieName(context), token, {
    secure: context.config.isHttps,
    maxAgeSeconds: context.config.activationMinutes * 60,
  })
}

export function clearAttemptToken(context: Pick<AppContext, 'config'>, res: Response): void {
  appendCookie(res, cookieName(context), '', { secure: context.config.isHttps, maxAgeSeconds: 0 })
}

function cookieName({ config }: Pick<AppContext, 'config'>): string {
  return config.isHttps ? '__Host-activation' : 'activation'
}
