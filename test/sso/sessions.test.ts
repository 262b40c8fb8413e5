import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Request } from 'express'
import pino from 'pino'
import type { AppContext } from '../../src/context.ts'
import { currentSession } from '../../src/sso/current-session.ts'
import { markEnding, takeRecord } from '../../src/sso/session-record.ts'
import { sessionExists, startSession } from '../../src/sso/sessions.ts'
import type { SsoSession } from '../../src/sso/sso-session.ts'
import { useStore } from '../support/store.ts'

useStore()

const now = () => new Date()
const context = {
  now,
  log: pino({ level: 'silent' }),
  audit: { record: () => {}, close: async () => {} },
  config: { sessionIdleSeconds: 3600, sessionAbsoluteSeconds: 36_000 },
} as unknown as AppContext
const account = { _id: 'person', username: 'anna' }
const method = { amr: ['pwd'], acr: 'password' }

/** A browser's request; `between` runs while its session gets a new key. */
function requestOf(sso?: SsoSession, between: () => Promise<unknown> = async () => {}) {
  const session = {
    sso,
    regenerate(done: (error?: unknown) => void) {
      delete session.sso
      between().then(() => done(), done)
    },
  }
  return { session, sessionID: 'express', ip: '192.0.2.1', get: () => undefined }
}
const start = (request: ReturnType<typeof requestOf>) =>
  startSession(context, request as unknown as Request, account, method)

describe('Proving the password again', () => {
  it('goes on with the sign-in that stands', async () => {
    const first = await start(requestOf())
    const second = await start(requestOf(first))
    assert.equal(second.id, first.id)
  })

  it('is a new sign-in when the old one is ended in the same moment', async () => {
    const first = await start(requestOf())
    const end = async () => {
      await markEnding(context, first.id)
      assert.ok(await takeRecord(context, first.id))
    }
    const second = await start(requestOf(first, end))
    assert.notEqual(second.id, first.id)
    assert.equal(await sessionExists(first.id, now()), false)
    assert.equal(await sessionExists(second.id, now()), true)
  })
})

describe('A sign-in that this process is ending', () => {
  it('is none for its browser either, though the browser’s session could not be removed', async () => {
    const request = requestOf()
    const session = await start(request)
    assert.ok(currentSession(context, request as unknown as Request))
    await markEnding(context, session.id)
    assert.equal(currentSession(context, request as unknown as Request), undefined)
  })
})
