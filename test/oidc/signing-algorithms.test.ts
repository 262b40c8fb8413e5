import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { activateKey, stageKey } from '../../src/keys/key-life.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { addClient, Browser, TestService } from './relying-party-support.ts'

const by = 'niki'

async function headerOfIdToken(app: TestApp, change: Record<string, unknown> = {}) {
  const { account } = await addPerson()
  const service = await TestService.create(app.baseUrl, change)
  // openid-client verifies the signature with our JWKS.
  const tokens = await service.signIn(new Browser(app.baseUrl), account.username)
  const [header = ''] = tokens.id_token!.split('.')
  return JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string; kid: string }
}

async function discovered(app: TestApp): Promise<string[]> {
  const answer = await fetch(`${app.baseUrl}/.well-known/openid-configuration`)
  const document = (await answer.json()) as { id_token_signing_alg_values_supported: string[] }
  return document.id_token_signing_alg_values_supported.sort()
}

describe('OIDC: the algorithm of tokens', () => {
  describe('with an EC key from the first start (OIDC_KEY_TYPE=ec-p256)', () => {
    let app: TestApp
    before(async () => {
      app = await startTestApp({ OIDC_KEY_TYPE: 'ec-p256' })
    })
    after(() => app.close())

    it('is RS256 for a service that names none, which every service can verify (Core 15.1)', async () => {
      const { alg, kid } = await headerOfIdToken(app)
      assert.deepEqual({ alg, kid }, { alg: 'RS256', kid: app.context.keys.active('oidc').kid })
    })

    it('is ES256 for a service that registered it', async () => {
      const change = { id_token_signed_response_alg: 'ES256' }
      const { alg, kid } = await headerOfIdToken(app, change)
      const ec = app.context.keys.active('oidc', 'ES256').kid
      assert.deepEqual({ alg, kid }, { alg: 'ES256', kid: ec })
    })

    it('goes on with the new key of its kind; the other kind stays as it is', async () => {
      const rsa = app.context.keys.active('oidc').kid
      const { kid } = await stageKey(app.context, { use: 'oidc', type: 'ec-p256', by })
      const change = { id_token_signed_response_alg: 'ES256' }
      assert.notEqual((await headerOfIdToken(app, change)).kid, kid)
      await activateKey(app.context, kid, { by })
      assert.equal((await headerOfIdToken(app, change)).kid, kid)
      assert.equal((await headerOfIdToken(app)).kid, rsa)
    })
  })

  describe('with an EC key that is staged only', () => {
    let app: TestApp
    before(async () => {
      app = await startTestApp()
    })
    after(() => app.close())

    it('is not ES256 before that key is active, although it is published', async () => {
      const { kid } = await stageKey(app.context, { use: 'oidc', type: 'ec-p256', by })
      const jwks = (await (await fetch(`${app.baseUrl}/oidc/jwks`)).json()) as {
        keys: { kid: string; kty: string; alg?: string; d?: string }[]
      }
      const published = jwks.keys.find((jwk) => jwk.kid === kid)!
      assert.equal(published.kty, 'EC')
      assert.ok(jwks.keys.every(({ d }) => d === undefined))
      assert.deepEqual(await discovered(app), ['PS256', 'RS256'])
      const { clientId } = await addClient({ id_token_signed_response_alg: 'ES256' })
      const url = `${app.baseUrl}/oidc/auth?client_id=${clientId}&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fservice.example%2Fcallback`
      assert.match(await (await fetch(url)).text(), /OIDC_CLIENT_INVALID/)
      await activateKey(app.context, kid, { by })
      assert.deepEqual(await discovered(app), ['ES256', 'PS256', 'RS256'])
    })
  })
})
