import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signsFor } from '../../src/key-rotation/rehearsal.ts'

describe('which tokens a key signs', () => {
  it('counts clients with PS256 among those of an RSA key', () => {
    assert.equal(signsFor({ algorithm: 'RS256' }, 'PS256'), true)
    assert.equal(signsFor({ algorithm: 'RS256' }, 'RS256'), true)
    assert.equal(signsFor({ algorithm: 'RS256' }, 'ES256'), false)
    assert.equal(signsFor({ algorithm: 'ES256' }, 'PS256'), false)
  })
})
