import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { BlockList, createServer, type Server } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { AppContext } from '../../src/context.ts'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { FetchError } from '../../src/fetch/public-fetch.ts'
import { tellBySoap } from '../../src/saml/logout-channel.ts'
import { bindings, nameIdFormats } from '../../src/saml/uris.ts'
import { postLogout } from '../../src/sso/post-logout.ts'
import { serviceMetadata } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** Who is called at all: the server speaks no TLS, so each call ends there. */
describe('Services at private addresses', () => {
  let app: TestApp
  let server: Server
  let url = ''
  let calls = 0
  let named: AppContext
  before(async () => {
    app = await startTestApp()
    server = createServer((socket) => {
      calls += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/told`
    const logoutNetworks = new BlockList()
    logoutNetworks.addAddress('127.0.0.1', 'ipv4')
    named = { ...app.context, config: { ...app.context.config, logoutNetworks } }
  })
  after(async () => {
    server.close()
    await app.close()
  })

  const callsDuring = async (work: () => Promise<unknown>) => {
    calls = 0
    await work()
    return calls
  }
  const { signal } = new AbortController()

  it('are told by a posted form only where LOGOUT_PRIVATE_NETWORKS names them', async () => {
    const post = (context: AppContext) =>
      assert.rejects(postLogout(context, url, { logout_token: 'x' }, { signal }), FetchError)
    assert.equal(await callsDuring(() => post(app.context)), 0)
    assert.equal(await callsDuring(() => post(named)), 1)
  })

  it('are told by SOAP too, but never those that a federation registered', async () => {
    const tell = async (context: AppContext, origin: string) => {
      const id = `https://${origin.replace(':', '-')}.example.gr`
      const metadata = serviceMetadata({
        entityId: id,
        acsUrl: `${id}/acs`,
        logoutEndpoints: [{ binding: bindings.soap, url }],
      })
      await registerServiceProvider(metadata, { origin, approve: true })
      const session = { id: 'session', personId: 'person', username: 'synthetic', services: [] }
      const service = {
        protocol: 'saml',
        id,
        nameId: '_x',
        nameIdFormat: nameIdFormats.transient,
      } as const
      return tellBySoap(context, session, service, signal)
    }
    const outcomes: string[] = []
    const during = (context: AppContext, origin: string) =>
      callsDuring(async () => outcomes.push(await tell(context, origin)))
    assert.equal(await during(app.context, 'cli'), 0)
    assert.equal(await during(named, 'cli'), 1)
    assert.equal(await during(named, 'federation:abroad'), 0)
    assert.deepEqual(outcomes, ['no-answer', 'no-answer', 'no-answer'])
  })
})
