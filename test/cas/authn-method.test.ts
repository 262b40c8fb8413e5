import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertReachable, authnContextClass, provesMethod } from '../../src/cas/authn-method.ts'

const password = { amr: ['pwd'] }
const code = { amr: ['pwd', 'otp', 'mfa'] }
const key = { amr: ['pwd', 'hwk', 'mfa'] }

describe('authn_method of CAS services', () => {
  it('is met by a session that proves that very factor, and by no other', () => {
    assert.ok(provesMethod(code, 'mfa-gauth'))
    assert.ok(provesMethod(key, 'mfa-webauthn'))
    assert.ok(!provesMethod(key, 'mfa-gauth'))
    assert.ok(!provesMethod(code, 'mfa-webauthn'))
    assert.ok(!provesMethod(password, 'mfa-gauth'))
    // Two factors were not there because a service says so, nor one without the other.
    assert.ok(!provesMethod({ amr: ['otp'] }, 'mfa-gauth'))
    for (const method of ['mfa-unknown', 'toString', '__proto__', '']) {
      assert.ok(!provesMethod(code, method), method)
    }
  })

  it('comes back as authnContextClass, which a password alone has none of', () => {
    assert.equal(authnContextClass(code, 'mfa-simple'), 'mfa-simple')
    assert.equal(authnContextClass(code, undefined), 'mfa-gauth')
    assert.equal(authnContextClass(key, 'mfa-gauth'), 'mfa-webauthn')
    assert.equal(authnContextClass(password, 'mfa-gauth'), undefined)
    assert.equal(authnContextClass(password, undefined), undefined)
  })

  it('is refused at once when no sign-in could ever meet it', () => {
    assert.doesNotThrow(() => assertReachable('mfa-gauth'))
    assert.throws(() => assertReachable('mfa-unknown'), { code: 'CAS_AUTHN_METHOD_UNMET' })
  })
})
