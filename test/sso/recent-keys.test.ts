import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentKeys } from '../../src/sso/recent-keys.ts'

describe('Recent keys', () => {
  it('remembers the last ones and forgets old ones, so memory stays bounded', () => {
    const keys = new RecentKeys(10)
    for (let index = 0; index < 100; index += 1) keys.add(`k${index}`)
    for (let index = 90; index < 100; index += 1) assert.ok(keys.has(`k${index}`))
    assert.ok(!keys.has('k79'))
  })
})
