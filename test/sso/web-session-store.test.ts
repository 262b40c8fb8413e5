import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Request } from 'express'
import { Cookie, type SessionData } from 'express-session'
import { WebSessionStore } from '../../src/sso/web-session-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

describe('Express sessions in the store', () => {
  let app: TestApp
  let store: WebSessionStore
  before(async () => {
    app = await startTestApp()
    store = new WebSessionStore({ lifetimeSeconds: 3600, now: app.context.now })
  })
  after(() => app.close())

  const set = (id: string, session: SessionData) =>
    new Promise<void>((resolve, reject) =>
      store.set(id, session, (error) => (error ? reject(error) : resolve())),
    )
  const get = (id: string) =>
    new Promise<SessionData | null | undefined>((resolve, reject) =>
      store.get(id, (error, session) => (error ? reject(error) : resolve(session))),
    )
  const destroy = (id: string) =>
    new Promise<void>((resolve, reject) =>
      store.destroy(id, (error) => (error ? reject(error) : resolve())),
    )

  /** As express-session does for a request: reads the session and ties it to the request. */
  async function load(id: string): Promise<SessionData> {
    const data = await get(id)
    assert.ok(data)
    return store.createSession({ sessionID: id } as Request, data)
  }

  it('keeps what a request changed in a session that it found', async () => {
    await set('changed', { cookie: new Cookie() })
    const session = await load('changed')
    Object.assign(session, { note: 'later' })
    await set('changed', session)
    assert.equal(((await get('changed')) as { note?: string } | null)?.note, 'later')
  })

  it('stays ended when a request that had read the session before ends after the logout', async () => {
    await set('ended', { cookie: new Cookie() })
    const running = await load('ended')
    await destroy('ended')
    Object.assign(running, { note: 'idle clock moved' })
    await set('ended', running)
    assert.equal(await get('ended'), null)
  })
})
