import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Turns } from '../../src/limits/turns.ts'

describe('Turns', () => {
  it('lets no more than so many run at a time, in the order they came', async () => {
    const turns = new Turns(3, 100)
    const started: number[] = []
    let running = 0
    let most = 0
    const work = (index: number) =>
      turns.take(async () => {
        started.push(index)
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return index
      })
    const indexes = Array.from({ length: 20 }, (_, index) => index)
    assert.deepEqual(await Promise.all(indexes.map(work)), indexes)
    assert.deepEqual(started, indexes)
    assert.equal(most, 3)
  })

  it('goes on after one that failed', async () => {
    const turns = new Turns(1, 100)
    const failed = turns.take(async () => {
      throw new Error('no')
    })
    const next = turns.take(async () => 'yes')
    await assert.rejects(failed, /no/)
    assert.equal(await next, 'yes')
  })

  it('turns away at once whoever finds the line full, and takes others when it has moved', async () => {
    const turns = new Turns(1, 1)
    let finish = () => {}
    const running = turns.take(() => new Promise<void>((resolve) => (finish = resolve)))
    const waiting = turns.take(async () => 'served')
    await assert.rejects(
      turns.take(async () => 'never'),
      { code: 'SERVICE_UNAVAILABLE', status: 503 },
    )
    finish()
    await running
    assert.equal(await waiting, 'served')
    assert.equal(await turns.take(async () => 'served too'), 'served too')
  })
})
