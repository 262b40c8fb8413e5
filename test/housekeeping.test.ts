import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AttemptModel } from '../src/activation/attempt-model.ts'
import { keepHouse } from '../src/housekeeping.ts'
import { ActivationWalk } from './support/activation-walk.ts'
import { startTestApp, type TestApp } from './support/app.ts'
import { importRows, studentRow } from './support/registrant.ts'

describe('Housekeeping', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())

  it('forgets the contact of somebody who left an activation half way, and keeps what happened', async () => {
    const row = studentRow()
    await importRows(app, row)
    const walk = new ActivationWalk(app)
    await walk.begin()
    const reference = ActivationWalk.reference(await walk.contact({ mobile: row.mobile ?? '' }))
    const since = await keepHouse(app.context, new Date(0))
    assert.equal((await AttemptModel.findOne({ reference }).lean())?.mobile, row.mobile)
    app.advance(61 * 60_000)
    await keepHouse(app.context, since)
    const attempt = await AttemptModel.findOne({ reference }).lean()
    for (const field of ['mobile', 'email', 'pin', 'candidates'])
      assert.ok(!(field in (attempt ?? {})), `${field} is still there`)
    assert.ok(attempt?.events.some(({ name }) => name === 'pin-sent'))
    assert.equal(attempt?.stoppedBy, 'ACTIVATION_EXPIRED')
  })

  it('leaves alone who is still on the way', async () => {
    const row = studentRow()
    await importRows(app, row)
    const walk = new ActivationWalk(app)
    await walk.toReview({ mobile: row.mobile ?? '' })
    await keepHouse(app.context, new Date(0))
    assert.match((await walk.agree()).body, /Βήμα 4\/4/)
  })
})
