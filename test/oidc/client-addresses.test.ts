import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addClient } from './relying-party-support.ts'

const mebibyte = 1_048_576

describe('OIDC: addresses that a client registered and this server asks', () => {
  let app: TestApp
  const { fetch } = globalThis
  before(async () => {
    app = await startTestApp()
  })
  after(async () => {
    globalThis.fetch = fetch
    await app.close()
  })

  it('are read up to a limit: its keys are no reason to fill the memory', async () => {
    const jwksUri = 'https://service.example/keys.json'
    const { clientId } = await addClient({
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: jwksUri,
    })
    let asked = 0
    let sent = 0
    globalThis.fetch = async () => {
      asked += 1
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 65_536
          controller.enqueue(new Uint8Array(65_536))
          if (sent >= 32 * mebibyte) controller.close()
        },
      })
      return new Response(body)
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const seconds = Math.floor(Date.now() / 1000)
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: app.baseUrl,
      jti: 'one',
      iat: seconds,
      exp: seconds + 60,
    }
    const assertion = `${part({ alg: 'RS256', kid: 'x' })}.${part(claims)}.AAAA`
    const answer = await fetch(`${app.baseUrl}/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'x',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    })
    assert.ok(answer.status >= 400 && answer.status < 500, await answer.text())
    assert.equal(asked, 1)
    assert.ok(sent < mebibyte, `${sent} bytes were read`)
  })
})
