import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { maskContact, maskEmail, maskMobile } from '../../src/messages/mask.ts'
import { giveUpAt, nextTryAt, readRetryAfter } from '../../src/messages/retry.ts'

describe('A masked contact', () => {
  it('shows of a mobile number the country, the kind and the last two digits', () => {
    assert.equal(maskMobile('+306900000042'), '+30 69•••••• 42')
    assert.equal(maskMobile('+4915112345678'), '+49 ••••••••• 78')
    assert.equal(maskMobile('+1234567'), '+12 ••• 67')
  })

  it('shows of a mail address two letters and the end', () => {
    assert.equal(maskEmail('dimitra@example.org'), 'd•••••@e•••••.org')
    assert.equal(maskEmail('dimitra@mail.example.org'), 'd•••••@m•••••.org')
  })

  it('gives away neither short names nor lengths', () => {
    assert.equal(maskEmail('d@x.gr'), '•••••@•••••.gr')
    assert.equal(maskEmail('dp@ab.gr'), '•••••@•••••.gr')
    assert.equal(maskEmail('dim@abc.gr'), maskEmail('dimitra.papadopoulou@abcdefgh.gr'))
  })

  it('is of the right kind', () => {
    assert.equal(maskContact('+306900000042'), '+30 69•••••• 42')
    assert.equal(maskContact('dimitra@example.org'), 'd•••••@e•••••.org')
  })
})

describe('When a message is tried again', () => {
  const start = new Date('2026-11-21T10:00:00Z')

  it('leaves greylisting its one to five minutes, and ends within ten', () => {
    const last = giveUpAt(start, undefined)
    const at = [0]
    for (let tries = 1; tries < 100; tries++) {
      const now = new Date(start.getTime() + (at.at(-1) as number) * 1000)
      const next = nextTryAt(tries, now, last, undefined)
      if (!next) break
      at.push((next.getTime() - start.getTime()) / 1000)
    }
    assert.deepEqual(at, [0, 5, 20, 80, 200, 380, 560])
  })

  it('is not before the gateway asked for, and not at all when that is too late', () => {
    const last = giveUpAt(start, undefined)
    assert.equal(nextTryAt(1, start, last, 90_000)?.getTime(), start.getTime() + 90_000)
    assert.equal(nextTryAt(1, start, last, 1)?.getTime(), start.getTime() + 5000)
    assert.equal(nextTryAt(1, start, last, 3_600_000), undefined)
  })

  it('is never after the message has lost its use', () => {
    const validUntil = new Date(start.getTime() + 4000)
    assert.equal(nextTryAt(1, start, giveUpAt(start, validUntil), undefined), undefined)
  })

  it('reads Retry-After as seconds or as a date, and ignores anything else', () => {
    assert.equal(readRetryAfter('120', start), 120_000)
    assert.equal(readRetryAfter('Sat, 21 Nov 2026 10:01:00 GMT', start), 60_000)
    assert.equal(readRetryAfter('Sat, 21 Nov 2026 09:00:00 GMT', start), 0)
    for (const header of [null, 'soon', '', '-5 x']) {
      assert.equal(readRetryAfter(header, start), undefined, String(header))
    }
  })
})
