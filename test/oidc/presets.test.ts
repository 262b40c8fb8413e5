import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { Browser } from './browser.ts'
import { addClient, TestService } from './relying-party-support.ts'

describe('OIDC: a client with a preset', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  const scope = 'openid profile email schac_date_of_birth'

  /** Names of the claims that a library that is not ours reads at the userinfo endpoint. */
  async function claimsWith(overrides: ServiceOverrides): Promise<string[]> {
    const { clientId, clientSecret } = await addClient({ scope })
    await setServiceOverrides(clientId, { disclosure: 'silent', ...overrides }, 'oidc')
    const { account } = await addPerson()
    const authentication = client.ClientSecretBasic(clientSecret)
    const service = await TestService.discover(app.baseUrl, clientId, authentication)
    const browser = new Browser(app.baseUrl)
    const tokens = await service.signIn(browser, account.username, { scope })
    const claims = await client.fetchUserInfo(
      service.configuration,
      tokens.access_token,
      tokens.claims()!.sub,
    )
    return Object.keys(claims)
      .filter((name) => name !== 'sub')
      .sort()
  }

  it('gets of what its scopes ask for what the preset names', async () => {
    assert.deepEqual(await claimsWith({ preset: 'eclass' }), [
      'email',
      'email_verified',
      'family_name',
      'given_name',
      'preferred_username',
    ])
  })

  it('gets nothing that its scopes do not ask for, although the preset or an administrator allows it', async () => {
    const overrides = { preset: 'webmail', release: ['schacHomeOrganization'] }
    assert.deepEqual(await claimsWith(overrides), ['email', 'name', 'preferred_username'])
  })

  it('gets all that its scopes ask for without one', async () => {
    assert.ok((await claimsWith({})).includes('schac_date_of_birth'))
  })
})
