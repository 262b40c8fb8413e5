import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { open, SealError, seal } from '../../src/keys/sealing.ts'

describe('Sealing (AES-256-GCM)', () => {
  const key = randomBytes(32)

  it('opens what it sealed, and never seals the same text alike', () => {
    const sealed = seal(key, 'μυστικό', 'test')
    assert.equal(open(key, sealed, 'test').toString(), 'μυστικό')
    assert.notEqual(seal(key, 'μυστικό', 'test'), sealed)
  })

  it('opens an empty text too', () => {
    assert.equal(open(key, seal(key, '', 'test'), 'test').length, 0)
  })

  it('refuses another key and another purpose', () => {
    const sealed = seal(key, 'x', 'secret:csrf')
    assert.throws(() => open(randomBytes(32), sealed, 'secret:csrf'), SealError)
    assert.throws(() => open(key, sealed, 'secret:pairwise'), SealError)
  })

  it('refuses every change of a single byte, and every cut', () => {
    const sealed = Buffer.from(seal(key, 'four', 'test'), 'base64url')
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] as number) ^ 1
      assert.throws(() => open(key, changed.toString('base64url'), 'test'), SealError)
      assert.throws(
        () => open(key, sealed.subarray(0, index).toString('base64url'), 'test'),
        SealError,
      )
    }
  })

  it('refuses the same bytes written otherwise', () => {
    for (const text of ['four', 'fours', 'fourss']) {
      const sealed = seal(key, text, 'test')
      for (const added of ['A', '=', '==', '.', ' ', '\n', 'é']) {
        assert.throws(() => open(key, `${sealed}${added}`, 'test'), SealError, added)
      }
      const bytes = Buffer.from(sealed, 'base64url')
      assert.throws(() => open(key, `${bytes.toString('base64')}=`, 'test'), SealError)
    }
  })
})
