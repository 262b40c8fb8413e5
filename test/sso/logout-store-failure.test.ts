import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it, mock } from 'node:test'
import { tickets } from '../../src/cas/ticket-model.ts'
import { bindings } from '../../src/saml/uris.ts'
import { LogoutRunModel } from '../../src/sso/logout-run-model.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { logoutsSettled } from '../../src/sso/tell-services.ts'
import { finishLogouts } from '../../src/sso/unfinished-logouts.ts'
import {
  signedInAt,
  startToldServer,
  type ToldServer,
  unsolicited,
} from '../saml/logout-support.ts'
import { makeKey } from '../saml/saml-support.ts'
import { registerService } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type HttpClient, hiddenField } from '../support/http-client.ts'

const service = { entityId: 'https://back.example.gr', acsUrl: 'https://back.example.gr/acs' }

/** The store answers all but the one write that is made to fail. */
describe('A logout during which the store fails', () => {
  let app: TestApp
  let server: ToldServer
  before(async () => {
    const key = makeKey()
    app = await startTestApp({ FETCH_LOOPBACK: 'true' })
    server = await startToldServer({ entityId: service.entityId, key })
    await registerService({
      ...service,
      key,
      logoutEndpoints: [{ binding: bindings.soap, url: server.url }],
    })
  })
  after(async () => {
    await server.close()
    await app.close()
  })
  afterEach(() => mock.restoreAll())

  const isSignedIn = async (client: HttpClient) => (await client.get('/account')).status === 200

  /** Signs out while `fail` is in force. */
  async function signOut(fail: () => void) {
    const { client } = await signedInAt(app, service)
    server.told.length = 0
    const _csrf = hiddenField((await client.get('/logout')).body, '_csrf')
    fail()
    const answer = await client.post('/logout', { _csrf })
    mock.restoreAll()
    await logoutsSettled()
    return { client, answer }
  }
  const broken = async () => {
    throw new Error('the store failed')
  }

  it('at its first write changes nothing, and the page says that the person is still signed in', async () => {
    const { client, answer } = await signOut(() =>
      mock.method(SsoSessionModel, 'updateOne', broken as never),
    )
    assert.equal(answer.status, 503)
    assert.match(answer.body, /LOGOUT_FAILED/)
    assert.equal(server.told.length, 0)
    assert.equal(await isSignedIn(client), true)
  })

  it('at the browser’s session leaves nothing that services take, and tells them once, later', async () => {
    const { client, answer } = await signOut(() =>
      mock.method(app.context.sessionStore, 'destroy', (_id: string, done: (e: Error) => void) =>
        done(new Error('the store failed')),
      ),
    )
    assert.equal(answer.status, 503)
    assert.match(answer.body, /LOGOUT_UNFINISHED/)
    const visit = await client.get(unsolicited(service))
    assert.doesNotMatch(visit.body, /SAMLResponse/)
    await logoutsSettled()
    app.advance(120_000)
    await finishLogouts(app.context)
    await finishLogouts(app.context)
    assert.equal(server.told.length, 1)
    assert.equal(await isSignedIn(client), false)
  })

  it('at the record of the logout page tells the services all the same, at once', async () => {
    const { client, answer } = await signOut(() =>
      mock.method(LogoutRunModel, 'create', broken as never),
    )
    assert.equal(answer.status, 503)
    assert.match(answer.body, /LOGOUT_UNFINISHED/)
    assert.equal(server.told.length, 1)
    assert.equal(await isSignedIn(client), false)
    app.advance(120_000)
    await finishLogouts(app.context)
    assert.equal(server.told.length, 1)
  })

  it('at the tokens that go with the sign-in tells the services, and leads to the page as ever', async () => {
    const { client, answer } = await signOut(() =>
      mock.method(tickets(), 'deleteMany', broken as never),
    )
    assert.equal(answer.status, 303)
    assert.equal(server.told.length, 1)
    assert.equal(await isSignedIn(client), false)
  })
})
