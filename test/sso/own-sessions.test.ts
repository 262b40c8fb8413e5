import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { Store } from 'express-session'
import pino from 'pino'
import { endOwnSession, sessionHandle } from '../../src/sso/own-sessions.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { useStore } from '../support/store.ts'

useStore()

/** Express sessions by key; `onDestroy` runs while one is being destroyed. */
class MemoryStore extends Store {
  readonly keys = new Set<string>()
  onDestroy: (key: string) => Promise<unknown> = async () => {}

  override get(_id: string, done: (error: unknown, session?: null) => void) {
    done(null, null)
  }

  override set(_id: string, _session: unknown, done: () => void = () => {}) {
    done()
  }

  override destroy(id: string, done: (error?: unknown) => void = () => {}) {
    this.keys.delete(id)
    this.onDestroy(id).then(() => done(), done)
  }
}

const contextOf = (sessionStore: Store) => ({
  now: () => new Date(),
  log: pino({ level: 'silent' }),
  sessionStore,
})

describe('Ending one of one’s own sign-ins', () => {
  before(() => SsoSessionModel.deleteMany({}))

  async function addSession(id: string, personId: string, store: MemoryStore) {
    store.keys.add(`express-${id}`)
    await SsoSessionModel.create({
      _id: id,
      personId,
      username: 'u',
      expressSessionId: `express-${id}`,
      startedAt: new Date(),
      authnInstant: new Date(),
      services: [],
      expiresAt: new Date(Date.now() + 3_600_000),
    })
  }

  it('ends the browser’s session and its record, and no other', async () => {
    const store = new MemoryStore()
    for (const id of ['one', 'two']) await addSession(id, 'anna', store)
    assert.equal(
      (await endOwnSession(contextOf(store), 'anna', sessionHandle({ id: 'one' })))?.id,
      'one',
    )
    assert.deepEqual([...store.keys], ['express-two'])
    assert.equal(await SsoSessionModel.countDocuments({ personId: 'anna' }), 1)
    assert.equal(
      await endOwnSession(contextOf(store), 'anna', sessionHandle({ id: 'one' })),
      undefined,
    )
  })

  it('touches nothing of somebody else, whose handle is given', async () => {
    const store = new MemoryStore()
    await addSession('hers', 'eleni', store)
    assert.equal(
      await endOwnSession(contextOf(store), 'nikos', sessionHandle({ id: 'hers' })),
      undefined,
    )
    assert.ok(store.keys.has('express-hers'))
    assert.ok(await SsoSessionModel.exists({ _id: 'hers' }))
  })

  it('ends it also when the password is proved again on that browser in the same moment', async () => {
    const store = new MemoryStore()
    await addSession('again', 'maria', store)
    store.onDestroy = async (key) => {
      if (key !== 'express-again') return
      store.keys.add('express-renewed')
      await SsoSessionModel.updateOne({ _id: 'again' }, { expressSessionId: 'express-renewed' })
    }
    assert.equal(
      (await endOwnSession(contextOf(store), 'maria', sessionHandle({ id: 'again' })))?.id,
      'again',
    )
    assert.equal(store.keys.size, 0)
    assert.equal(await SsoSessionModel.exists({ _id: 'again' }), null)
  })
})
