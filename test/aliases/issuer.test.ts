import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { addClient, Browser, TestService } from '../oidc/relying-party-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { freePortRange } from '../support/free-ports.ts'
import { addPerson } from '../support/people.ts'

const discovery = '/.well-known/openid-configuration'
const origin = `http://127.0.0.1:${await freePortRange(1)}`
const issuer = `${origin}/auth/realms/uni`
let app: TestApp
before(async () => {
  app = await startTestApp({
    PORT: new URL(origin).port,
    BASE_URL: origin,
    KEYCLOAK_REALM: 'uni',
    OIDC_ISSUER: issuer,
  })
})
after(() => app.close())

describe('OIDC_ISSUER', () => {
  it('lets a strict service of a realm sign in as before', async () => {
    const { account } = await addPerson()
    const { clientId, clientSecret } = await addClient()
    const authentication = client.ClientSecretBasic(clientSecret)
    const service = await TestService.discover(issuer, clientId, authentication)
    const { token_endpoint: tokenEndpoint } = service.configuration.serverMetadata()
    assert.equal(tokenEndpoint, `${origin}/oidc/token`)
    const tokens = await service.signIn(new Browser(origin), account.username)
    assert.equal(tokens.claims()?.iss, issuer)
  })

  it('answers to discovery below itself and at the root alike', async () => {
    const documents = await Promise.all(
      ['/auth/realms/uni', '/realms/uni', ''].map(async (path) =>
        (await fetch(`${origin}${path}${discovery}`)).text(),
      ),
    )
    assert.equal(JSON.parse(documents[0] ?? '').issuer, issuer)
    assert.equal(new Set(documents).size, 1)
  })
})
