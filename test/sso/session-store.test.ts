import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Request } from 'express'
import { Cookie, type SessionData, type Store } from 'express-session'
import { startTestApp, type TestApp } from '../support/app.ts'

/** In Redis when REDIS_URL names one, else in the store of everything. */
describe('Express sessions in their store', () => {
  let app: TestApp
  let store: Store
  before(async () => {
    app = await startTestApp()
    store = app.runtime.sessions.store
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
    const id = randomUUID()
    await set(id, { cookie: new Cookie() })
    const session = await load(id)
    Object.assign(session, { note: 'later' })
    await set(id, session)
    assert.equal(((await get(id)) as { note?: string } | null)?.note, 'later')
  })

  it('stays ended when a request that had read the session before ends after the logout', async () => {
    const id = randomUUID()
    await set(id, { cookie: new Cookie() })
    const running = await load(id)
    await destroy(id)
    Object.assign(running, { note: 'idle clock moved' })
    await set(id, running)
    assert.equal(await get(id), null)
  })
})
