import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  casService,
  loginPath,
  newBrowser,
  signInFrom,
  ticketOf,
  validatePath,
} from '../cas/cas-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'

let app: TestApp
before(async () => {
  app = await startTestApp({ PATH_ALIASES: 'cas=/sso/cas,shibboleth' })
})
after(() => app.close())

/** The address that the server had which we replace. */
const at = (prefix: string, path: string) => path.replace(/^\/cas/, prefix)

describe('CAS where another server stood', () => {
  for (const prefix of ['/sso/cas', '/idp/profile/cas']) {
    it(`signs in and validates tickets below ${prefix}`, async () => {
      const service = await casService()
      const { client, account } = await newBrowser(app)
      const login = await client.get(at(prefix, loginPath(service.url)))
      const ticket = ticketOf(await signInFrom(client, login, account.username), service.url)
      const request = at(prefix, validatePath('p3/serviceValidate', service.url, ticket))
      const answer = await new HttpClient(app.baseUrl).get(request)
      assert.match(answer.body, new RegExp(`<cas:user>${account.username}</cas:user>`))
      const again = await new HttpClient(app.baseUrl).get(request)
      assert.match(again.body, /INVALID_TICKET/)
    })
  }

  it('takes at the old address a ticket that was given at ours: it is one server', async () => {
    const service = await casService()
    const { client, account } = await newBrowser(app)
    const login = await client.get(loginPath(service.url))
    const ticket = ticketOf(await signInFrom(client, login, account.username), service.url)
    const request = at('/sso/cas', validatePath('serviceValidate', service.url, ticket))
    assert.match((await client.get(request)).body, /<cas:authenticationSuccess>/)
  })

  it('sends nobody to a service that is not registered', async () => {
    const answer = await new HttpClient(app.baseUrl).get(
      at('/sso/cas', loginPath('https://evil.example/')),
    )
    assert.equal(answer.headers.location, undefined)
    assert.ok(answer.status >= 400)
  })

  it('has no page of its own where CAS has none', async () => {
    assert.equal((await new HttpClient(app.baseUrl).get('/sso/cas/other')).status, 404)
    assert.equal((await new HttpClient(app.baseUrl).get('/sso/login')).status, 404)
  })
})
