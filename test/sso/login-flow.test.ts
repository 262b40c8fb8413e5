import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { loginUrl, openFlow, resumeUrl, sealFlow } from '../../src/sso/login-flow.ts'

function makeContext() {
  const key = randomBytes(32)
  const clock = { at: Date.parse('2026-10-01T08:00:00Z') }
  return {
    clock,
    config: readConfig({ LOGIN_FLOW_SECONDS: '600' }),
    secrets: { get: () => key },
    now: () => new Date(clock.at),
  }
}

describe('A sign-in on its way (login flow)', () => {
  it('comes back as it was sealed, and fits an address', () => {
    const context = makeContext()
    const flow = {
      resume: '/saml/sso/resume',
      service: { protocol: 'saml', id: 'https://sp.example.org/shibboleth' },
      state: { relayState: 'ss:mem:ά&<>', forceAuthn: true },
    } as const
    const token = sealFlow(context, flow)
    assert.match(token, /^[A-Za-z0-9_-]+$/)
    assert.deepEqual(openFlow(context, token), { ...flow, issuedAt: context.clock.at })
    assert.equal(loginUrl(token), `/login?flow=${token}`)
    assert.equal(resumeUrl(flow, token), `/saml/sso/resume?flow=${token}`)
  })

  it('is refused when somebody made or changed it', () => {
    const context = makeContext()
    const token = sealFlow(context, { resume: '/' })
    const changed = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA')
    for (const bad of [
      changed,
      sealFlow(makeContext(), { resume: '/' }),
      '',
      'x',
      ['a', 'b'],
      undefined,
      'A'.repeat(20_000),
    ]) {
      assert.throws(() => openFlow(context, bad), { code: 'LOGIN_FLOW_INVALID' })
    }
  })

  it('expires after LOGIN_FLOW_SECONDS, not before', () => {
    const context = makeContext()
    const token = sealFlow(context, { resume: '/' })
    context.clock.at += 600_000
    assert.equal(openFlow(context, token).resume, '/')
    context.clock.at += 1
    assert.throws(() => openFlow(context, token), { code: 'LOGIN_FLOW_EXPIRED' })
  })
})
