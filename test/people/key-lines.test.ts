import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeyLines } from '../../src/people/key-lines.ts'

describe('lines of keys', () => {
  it('are found again among many, and only those', () => {
    const lines = new KeyLines()
    const count = 50_000
    for (let index = 0; index < count; index++) lines.set(`sis:${index}`, index + 2)
    assert.equal(lines.size, count)
    for (let index = 0; index < count; index++) assert.equal(lines.get(`sis:${index}`), index + 2)
    for (let index = 0; index < count; index++) assert.equal(lines.get(`hr:${index}`), undefined)
  })

  it('are replaced by a later line of the same key', () => {
    const lines = new KeyLines()
    lines.set('sis:1', 2)
    lines.set('sis:1', 3)
    assert.equal(lines.get('sis:1'), 3)
    assert.equal(lines.size, 1)
  })
})
