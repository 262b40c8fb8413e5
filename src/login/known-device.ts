import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { appendCookie, readCookie } from '../web/cookies.ts'

const lifetimeSeconds = 365 * 86_400

/**
 * A cookie that says "this username has signed in on this browser before". It grants nothing but a
 * failure counter of its own (see throttle.ts).
 */
export function readKnownDevice(
  context: Pick<AppContext, 'secrets' | 'config'>,
  request: Request,
  username: string,
): string | undefined {
  const cookie = readCookie(request, cookieName(context))
  const [id, mac] = cookie?.split('.') ?? []
  if (!id || !mac) return undefined
  const expected = macOf(context, id, username)
  const given = Buffer.from(mac, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected) ? id : undefined
}

export function rememberDevice(
  context: Pick<AppContext, 'secrets' | 'config'>,
  response: Response,
  username: string,
): void {
  const id = randomBytes(16).toString('base64url')
  const mac = macOf(context, id, username).toString('base64url')
  appendCookie(response, cookieName(context), `${id}.${mac}`, {
    secure: context.config.isHttps,
    maxAgeSeconds: lifetimeSeconds,
  })
}

function cookieName({ config }: Pick<AppContext, 'config'>): string {
  return config.isHttps ? '__Host-known-device' : 'known-device'
}

function macOf({ secrets }: Pick<AppContext, 'secrets'>, id: string, username: string): Buffer {
  return keyedHash(secrets.get('code-hmac'), `known-device|${id}|${username}`)
}
