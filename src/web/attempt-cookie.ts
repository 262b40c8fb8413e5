import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { appendCookie, readCookie } from './cookies.ts'

type CookieContext = Pick<AppContext, 'config' | 'now'>

/** What ties a way through several pages to the browser, so that it goes on in another tab. */
export interface AttemptKey {
  readonly token: string
  /**
   * Comes with the right code, and is asked for from then on: whoever had the cookie before, because
   * they planted it in this browser or used this computer, does not come along.
   */
  readonly proof?: string
}

export interface AttemptCookie {
  read(context: CookieContext, req: Request): AttemptKey | undefined
  /** @param attempt the cookie lives as long */
  set(
    context: CookieContext,
    res: Response,
    key: AttemptKey,
    attempt: { readonly expiresAt: Date },
  ): void
  clear(context: CookieContext, res: Response): void
}

/** @param name of the cookie; with `__Host-` before it on https */
export function attemptCookie(name: string): AttemptCookie {
  const nameFor = ({ config }: CookieContext) => (config.isHttps ? `__Host-${name}` : name)

  function write(context: CookieContext, res: Response, value: string, maxAgeSeconds: number) {
    const { isHttps } = context.config
    appendCookie(res, nameFor(context), value, { secure: isHttps, maxAgeSeconds })
  }

  return {
    read(context, req) {
      const value = readCookie(req, nameFor(context)) ?? ''
      const [, token, proof] = /^([\w-]{22})(?:\.([\w-]{22}))?$/.exec(value) ?? []
      return token === undefined ? undefined : { token, proof }
    },
    set(context, res, { token, proof }, { expiresAt }) {
      const leftMs = expiresAt.getTime() - context.now().getTime()
      const value = proof === undefined ? token : `${token}.${proof}`
      write(context, res, value, Math.ceil(leftMs / 1000))
    },
    clear: (context, res) => write(context, res, '', 0),
  }
}
