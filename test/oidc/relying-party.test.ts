import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RelyingParty } from '../../src/federation/service.ts'
import { loginNeed } from '../../src/oidc/interaction-policy.ts'
import { clientMetadata, isSafeRedirect } from '../../src/oidc/relying-party.ts'

const relyingParty = (change: Partial<RelyingParty> = {}): RelyingParty => ({
  protocol: 'oidc',
  clientId: 'c1',
  state: 'approved',
  origin: 'test',
  displayName: {},
  description: {},
  informationUrl: {},
  privacyStatementUrl: {},
  metadata: { client_id: 'c1', redirect_uris: ['https://service.example/cb'] },
  overrides: {},
  ...change,
})

describe('OIDC: where codes may go', () => {
  it('is https, an app’s own scheme, or http on this machine', () => {
    for (const uri of [
      'https://service.example/cb',
      'http://localhost:8080/cb',
      'http://127.0.0.1/cb',
      'http://[::1]:9/cb',
      'gr.example.app:/cb',
    ]) {
      assert.equal(isSafeRedirect(uri), true, uri)
    }
    for (const uri of [
      'http://service.example/cb',
      'http://localhost.evil.example/cb',
      'javascript:alert(1)',
      'data:text/html,x',
      'nonsense',
    ]) {
      assert.equal(isSafeRedirect(uri), false, uri)
    }
  })

  it('refuses a whole client that has one unsafe address', () => {
    const metadata = { redirect_uris: ['https://a.example/cb', 'http://a.example/cb'] }
    assert.equal(clientMetadata(relyingParty({ metadata })), undefined)
  })
})

describe('OIDC: clients', () => {
  it('are unknown until approved', () => {
    assert.equal(clientMetadata(relyingParty({ state: 'pending' })), undefined)
    assert.equal(clientMetadata(undefined), undefined)
  })

  it('get pairwise subjects unless they registered otherwise', () => {
    assert.equal(clientMetadata(relyingParty())?.subject_type, 'pairwise')
    const metadata = { redirect_uris: ['https://a.example/cb'], subject_type: 'public' }
    assert.equal(clientMetadata(relyingParty({ metadata }))?.subject_type, 'public')
  })
})

describe('OIDC: what resolves a login prompt', () => {
  const need = (reasons: string[], afterLogin = false, details = {}) =>
    loginNeed({ reasons, details }, afterLogin)
  const password = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'

  it('is any session when none was there', () => {
    assert.equal(need(['no_session', 'sso_session']), 'any-session')
    const acr = { essential: true, values: ['https://refeds.org/profile/mfa', password] }
    assert.equal(need(['no_session', 'essential_acrs'], false, { acr }), 'any-session')
  })

  it('is a new proof of the password for prompt=login, max_age and another person’s hint', () => {
    for (const reason of ['login_prompt', 'max_age', 'id_token_hint']) {
      assert.equal(need(['no_session', reason]), 'fresh-login', reason)
    }
  })

  it('is nothing once the wrong person signed in', () => {
    assert.equal(need(['id_token_hint'], true), 'impossible')
  })

  it('is nothing for an acr beyond us', () => {
    const acr = { essential: true, value: 'https://refeds.org/profile/mfa' }
    assert.equal(need(['essential_acr', 'no_session'], false, { acr }), 'impossible')
  })
})
