import type { RequestHandler } from 'express'
import session, { type Store } from 'express-session'
import type { Logger } from 'pino'
import { createClient } from 'redis'
import type { Config } from '../config.ts'
import type { Secrets } from '../keys/secrets.ts'
import { RedisSessionStore } from './redis-session-store.ts'
import { WebSessionStore } from './web-session-store.ts'

export interface SessionStore {
  readonly store: Store
  close(): Promise<void>
}

/**
 * Where express sessions live: Redis when configured, else the same store as everything. Neither
 * writes when a request only reads; `currentSession` decides when a read moves the idle clock.
 */
export async function openSessionStore(
  config: Pick<Config, 'redisUrl' | 'sessionAbsoluteSeconds'>,
  log: Logger,
  now: () => Date,
): Promise<SessionStore> {
  const ttl = config.sessionAbsoluteSeconds
  if (config.redisUrl) {
    const redis = createClient({ url: config.redisUrl })
    redis.on('error', (error) => log.error({ err: error }, 'Redis is not reachable'))
    await redis.connect()
    return {
      store: new RedisSessionStore({ client: redis as ReturnType<typeof createClient>, ttl }),
      close: async () => {
        await redis.close()
      },
    }
  }
  return {
    store: new WebSessionStore({ lifetimeSeconds: ttl, now }),
    close: async () => {},
  }
}

/** Cookie names with the prefix that browsers bind to this host, where https allows it. */
export function sessionCookieName(config: Pick<Config, 'isHttps'>): string {
  return config.isHttps ? '__Host-sso' : 'sso'
}

export function sessionMiddleware(config: Config, secrets: Secrets, store: Store): RequestHandler {
  return session({
    name: sessionCookieName(config),
    secret: secrets.get('session-cookie').toString('base64url'),
    store,
    resave: false,
    saveUninitialized: false,
    // No Expires: the cookie goes with the browser session; the lifetimes are kept on the server.
    cookie: { httpOnly: true, sameSite: 'lax', secure: config.isHttps, path: '/' },
  })
}
