import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addClient } from './relying-party-support.ts'

const mebibyte = 1_048_576

describe('OIDC: addresses that a client registered and this server asks', () => {
  let app: TestApp
  let server: Server
  let connections = 0
  let answer: RequestListener = (_req, res) => res.end('{"keys":[]}')
  before(async () => {
    server = createServer((req, res) => answer(req, res))
    server.on('connection', () => {
      connections += 1
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => app.close())
  after(() => server.close())

  /** Has the keys of a client read, who authenticates with one of them. */
  async function authenticate(jwksUri: string) {
    const { clientId } = await addClient({
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: jwksUri,
    })
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
    return fetch(`${app.baseUrl}/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'x',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: `${part({ alg: 'RS256', kid: 'x' })}.${part(claims)}.AAAA`,
      }),
    })
  }

  it('are read up to a limit: its keys are no reason to fill the memory', async () => {
    app = await startTestApp({ FETCH_LOOPBACK: 'true' })
    let asked = 0
    let sent = 0
    answer = (_req, res) => {
      asked += 1
      const piece = Buffer.alloc(65_536)
      const write = () => {
        while (!res.destroyed && sent < 32 * mebibyte) {
          sent += piece.length
          if (!res.write(piece)) return void res.once('drain', write)
        }
        res.end()
      }
      write()
    }
    const { port } = server.address() as AddressInfo
    const refused = await authenticate(`http://127.0.0.1:${port}/keys.json`)
    assert.equal(refused.status, 401)
    assert.equal(asked, 1)
    assert.ok(sent < 8 * mebibyte, `${sent} bytes were sent`)
  })

  it('are not even connected to when they are of this machine', async () => {
    app = await startTestApp()
    answer = (_req, res) => res.end('{"keys":[]}')
    const { port } = server.address() as AddressInfo
    connections = 0
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      assert.equal((await authenticate(`https://${host}:${port}/keys`)).status, 401)
    }
    assert.equal(connections, 0)
  })
})
