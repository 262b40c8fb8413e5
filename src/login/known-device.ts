import { timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import type { Account } from '../people/account.ts'
import { appendCookie, readCookie } from '../web/cookies.ts'

const lifetimeSeconds = 365 * 86_400

/** Whose browser it is; a username that nobody has is asked for in the same way. */
type DeviceOwner = Pick<Account, 'username' | 'deviceGeneration'>

/**
 * A cookie that says "this username has signed in on this browser before, since the password was set
 * last". It grants nothing but a failure counter of its own (see throttle.ts).
 */
export function readKnownDevice(
  context: Pick<AppContext, 'secrets' | 'config'>,
  request: Request,
  owner: DeviceOwner,
): string | undefined {
  const cookie = readCookie(request, cookieName(context))
  const [id, mac] = cookie?.split('.') ?? []
  if (!id || !mac) return undefined
  const expected = macOf(context, id, owner)
  const given = Buffer.from(mac, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected) ? id : undefined
}

/** @param owner as the store has it now: after a new password, read again */
export function rememberDevice(
  context: Pick<AppContext, 'secrets' | 'config'>,
  response: Response,
  owner: DeviceOwner,
): void {
  const id = randomToken()
  const mac = macOf(context, id, owner).toString('base64url')
  appendCookie(response, cookieName(context), `${id}.${mac}`, {
    secure: context.config.isHttps,
    maxAgeSeconds: lifetimeSeconds,
  })
}

function cookieName({ config }: Pick<AppContext, 'config'>): string {
  return config.isHttps ? '__Host-known-device' : 'known-device'
}

function macOf({ secrets }: Pick<AppContext, 'secrets'>, id: string, owner: DeviceOwner): Buffer {
  const { username, deviceGeneration = 0 } = owner
  // Generation 0 has no mark: nothing had to be forgotten yet.
  const purpose = deviceGeneration === 0 ? 'known-device' : `known-device:${deviceGeneration}`
  return keyedHash(secrets.get('code-hmac'), `${purpose}|${id}|${username}`)
}
