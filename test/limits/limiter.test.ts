import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Limit, type Limiter, openLimiter } from '../../src/limits/limiter.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const hourMs = 3_600_000
const limit: Limit = { name: 'pin', subject: '+306900000042', max: 3, windowMs: hourMs }

describe('A limit', () => {
  let app: TestApp
  let limiter: Limiter
  before(async () => {
    app = await startTestApp()
    limiter = openLimiter(app.context)
  })
  beforeEach(async () => {
    await ThrottleModel.deleteMany({})
  })
  after(() => app.close())

  it('lets as many uses pass as it says, and then tells how long to wait', async () => {
    for (let use = 1; use <= 3; use++) assert.equal(await limiter.take(limit), 0)
    const minutes = await limiter.take(limit)
    assert.ok(minutes >= 1 && minutes <= 60, `told to wait ${minutes} minutes`)
  })

  it('lets no more pass when all come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => limiter.take(limit)))
    assert.equal(answers.filter((minutes) => minutes === 0).length, 3)
  })

  it('counts each subject and each kind of use for itself', async () => {
    for (let use = 1; use <= 4; use++) await limiter.take(limit)
    assert.equal(await limiter.take({ ...limit, subject: '+306900000043' }), 0)
    assert.equal(await limiter.take({ ...limit, name: 'search' }), 0)
  })

  it('can be asked without counting', async () => {
    for (let use = 1; use <= 5; use++) assert.equal(await limiter.waitFor(limit), 0)
    for (let use = 1; use <= 3; use++) await limiter.take(limit)
    assert.ok((await limiter.waitFor(limit)) > 0)
  })

  it('opens again with the next window', async () => {
    for (let use = 1; use <= 4; use++) await limiter.take(limit)
    app.advance(hourMs)
    assert.equal(await limiter.take(limit), 0)
  })

  it('takes one use of each of several, or of none', async () => {
    const other: Limit = { ...limit, name: 'search', max: 1 }
    assert.equal(await limiter.takeAll([limit, other]), 0)
    for (let use = 1; use <= 5; use++) assert.ok((await limiter.takeAll([limit, other])) > 0)
    assert.equal(await limiter.takeAll([limit]), 0)
    assert.equal(await limiter.takeAll([limit]), 0)
    assert.ok((await limiter.takeAll([limit, other])) > 0)
  })

  it('takes back a use that did not count', async () => {
    for (let use = 1; use <= 3; use++) await limiter.take(limit)
    await limiter.giveBack(limit)
    assert.equal(await limiter.take(limit), 0)
    assert.ok((await limiter.take(limit)) > 0)
  })

  it('can be cleared', async () => {
    for (let use = 1; use <= 4; use++) await limiter.take(limit)
    await limiter.clear(limit)
    assert.equal(await limiter.take(limit), 0)
  })

  it('does not write down whom it counts', async () => {
    await limiter.take(limit)
    assert.doesNotMatch(JSON.stringify(await ThrottleModel.find().lean()), /6900000042/)
  })
})
