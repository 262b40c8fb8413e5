import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rotateOidcKeys } from '../../src/key-rotation/oidc-rotation.ts'
import { lookAfterKeys } from '../../src/key-rotation/schedule.ts'
import { discardKey, stageKey } from '../../src/keys/key-life.ts'
import { type KeyRecord, listKeys } from '../../src/keys/key-records.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const day = 86_400_000
const hour = 3_600_000

describe('OpenID Connect keys that rotate by themselves', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error', OIDC_KEY_ROTATION_DAYS: '90' })
  })
  after(() => app.close())

  async function inState(state: KeyRecord['state']) {
    return (await listKeys()).filter((key) => key.use === 'oidc' && key.state === state)
  }
  async function jwks(): Promise<string[]> {
    const answer = await fetch(`${app.baseUrl}/oidc/jwks`)
    const { keys } = (await answer.json()) as { keys: { kid: string }[] }
    return keys.map(({ kid }) => kid)
  }

  it('stage the next one in time, promote it when it is safe, and retire the old one after the last session', async () => {
    const [first] = await inState('active')
    assert.ok(first)
    await lookAfterKeys(app.context)
    app.advance(88 * day)
    await lookAfterKeys(app.context)
    assert.equal((await inState('staged')).length, 0)

    app.advance(day + hour)
    // Several machines look at the same time.
    await Promise.all([1, 2, 3].map(() => lookAfterKeys(app.context)))
    const [next, ...more] = await inState('staged')
    assert.ok(next)
    assert.equal(more.length, 0)
    assert.equal(next.history[0]?.by, 'schedule')
    assert.deepEqual(await jwks(), [first.kid, next.kid])

    // Old enough on the day, and published for 23 hours only.
    app.advance(23 * hour)
    await lookAfterKeys(app.context)
    assert.equal((await inState('active'))[0]?.kid, first.kid)
    app.advance(2 * hour)
    await lookAfterKeys(app.context)
    assert.equal((await inState('active'))[0]?.kid, next.kid)
    assert.deepEqual(await jwks(), [next.kid, first.kid])

    app.advance(9 * hour)
    await lookAfterKeys(app.context)
    assert.deepEqual(await jwks(), [next.kid, first.kid])
    app.advance(2 * hour)
    await lookAfterKeys(app.context)
    assert.deepEqual(await jwks(), [next.kid])
    assert.equal((await inState('retired'))[0]?.kid, first.kid)
  })

  it('take the key that an administrator staged, when the one in use is old, and not before', async () => {
    const [active] = await inState('active')
    const staged = await stageKey(app.context, { use: 'oidc', by: 'maria' })
    app.advance(30 * day)
    await rotateOidcKeys(app.context)
    assert.equal((await inState('active'))[0]?.kid, active?.kid)
    app.advance(61 * day)
    await rotateOidcKeys(app.context)
    assert.equal((await inState('active'))[0]?.kid, staged.kid)
    assert.equal((await inState('staged')).length, 0)
  })

  it('leave an administrator in peace for a week who took a staged key back', async () => {
    app.advance(90 * day)
    await rotateOidcKeys(app.context)
    const [staged] = await inState('staged')
    assert.ok(staged)
    await discardKey(app.context, staged.kid, { by: 'maria' })
    app.advance(6 * day)
    await rotateOidcKeys(app.context)
    assert.equal((await inState('staged')).length, 0)
    app.advance(2 * day)
    await rotateOidcKeys(app.context)
    assert.equal((await inState('staged')).length, 1)
  })

  it('stay as they are when the setting is 0', async () => {
    const off = { ...app.context, config: { ...app.context.config, oidcKeyRotationDays: 0 } }
    const [active] = await inState('active')
    app.advance(400 * day)
    await rotateOidcKeys(off)
    assert.equal((await inState('active'))[0]?.kid, active?.kid)
  })
})
