import { RedisStore } from 'connect-redis'
import type { Request } from 'express'
import type { SessionData } from 'express-session'
import type { createClient } from 'redis'

/**
 * Express sessions in Redis. What the library's own store lacks: a session that ended while a
 * request was running stays ended when that request writes it (see WebSessionStore).
 */
export class RedisSessionStore extends RedisStore {
  readonly #redis: ReturnType<typeof createClient>
  /** Sessions that came from Redis: they are replaced, never made anew. */
  readonly #stored = new WeakSet<object>()

  constructor(options: { client: ReturnType<typeof createClient>; ttl: number }) {
    super({ ...options, prefix: 'propylaia:session:', disableTouch: true })
    this.#redis = options.client
  }

  override createSession(request: Request, session: SessionData) {
    const created = super.createSession(request, session)
    this.#stored.add(created)
    return created
  }

  override async set(id: string, session: SessionData, done?: (error?: unknown) => void) {
    if (!this.#stored.has(session)) return super.set(id, session, done)
    try {
      await this.#redis.set(this.prefix + id, JSON.stringify(session), {
        expiration: { type: 'EX', value: this.ttl as number },
        condition: 'XX',
      })
    } catch (error) {
      return done?.(error)
    }
    done?.()
  }
}
