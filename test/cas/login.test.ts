import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { removeService } from '../../src/federation/registration.ts'
import { clearServiceCache, serviceRecords } from '../../src/federation/service-store.ts'
import { accounts } from '../../src/people/people-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import {
  casService,
  failureOf,
  loginPath,
  newBrowser,
  redirectOf,
  serviceServer,
  signedIn,
  signInFrom,
  ticketOf,
  validatePath,
} from './cas-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

describe('CAS sign-in (CAS Protocol 2.1, 2.2)', () => {
  it('leads to the service with a ticket, after the password', async () => {
    const service = await casService()
    const { client, account } = await newBrowser(app)
    const first = await client.get(loginPath(service.url))
    const page = await client.get(redirectOf(first))
    assert.match(page.body, /Δοκιμαστική υπηρεσία/)
    assert.match(String(page.headers['content-security-policy']), /form-action [^;]*https:/)
    const ticket = ticketOf(await signInFrom(client, first, account.username), service.url)
    assert.match(ticket, /^ST-[A-Za-z0-9]{29}$/)
  })

  it('needs no password when somebody is signed in', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    ticketOf(await client.get(loginPath(service.url)), service.url)
  })

  it('adds the ticket to an address without a query, too', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    ticketOf(await client.get(loginPath(service.id)), service.id)
  })

  it('asks for the password again with renew, and only then is the ticket good for renew', async () => {
    const service = await casService()
    const { client, account } = await signedIn(app)
    const server = serviceServer(app)
    const plain = ticketOf(await client.get(loginPath(service.url)), service.url)
    const refused = await server.get(
      validatePath('serviceValidate', service.url, plain, { renew: 'true' }),
    )
    assert.equal(failureOf(refused), 'INVALID_TICKET_SPEC')

    const asked = await client.get(loginPath(service.url, { renew: 'true' }))
    const renewed = ticketOf(await signInFrom(client, asked, account.username), service.url)
    const taken = await server.get(
      validatePath('serviceValidate', service.url, renewed, { renew: 'true' }),
    )
    assert.equal(failureOf(taken), undefined)
  })

  it('counts a typed password for one ticket: the way back in the browser brings no other for renew', async () => {
    const service = await casService()
    const { client, account } = await newBrowser(app)
    const server = serviceServer(app)
    const isFresh = async (ticket: string) =>
      failureOf(
        await server.get(validatePath('serviceValidate', service.url, ticket, { renew: 'true' })),
      ) === undefined
    for (const parameters of [{ renew: 'true' }, {}] as Record<string, string>[]) {
      const asked = await client.get(loginPath(service.url, parameters))
      const flow = new URL(redirectOf(asked), app.baseUrl).searchParams.get('flow') ?? ''
      const first = ticketOf(await signInFrom(client, asked, account.username), service.url)
      assert.ok(await isFresh(first))
      const again = await client.get(`/cas/login/resume?flow=${flow}`)
      if (parameters.renew) {
        assert.match(redirectOf(again), /^\/login\?flow=/)
        const third = ticketOf(await signInFrom(client, again, account.username), service.url)
        assert.ok(await isFresh(third))
        await client.get('/cas/logout')
      } else assert.ok(!(await isFresh(ticketOf(again, service.url))))
    }
  })

  it('goes back without a ticket for gateway when nobody is signed in', async () => {
    const service = await casService()
    const { client } = await newBrowser(app)
    const answer = await client.get(loginPath(service.url, { gateway: 'true' }))
    assert.equal(redirectOf(answer), service.url)
  })

  it('brings a ticket for gateway when somebody is', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    ticketOf(await client.get(loginPath(service.url, { gateway: 'true' })), service.url)
  })

  it('lets renew beat gateway', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    const answer = await client.get(loginPath(service.url, { gateway: 'true', renew: 'true' }))
    assert.match(redirectOf(answer), /^\/login\?flow=/)
  })

  it('posts the ticket with method=POST', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    const page = await client.get(loginPath(service.url, { method: 'POST' }))
    assert.equal(page.status, 200)
    assert.ok(page.body.includes(`action="${service.url.replaceAll('&', '&#38;')}"`), page.body)
    assert.match(hiddenField(page.body, 'ticket'), /^ST-/)
  })

  it('takes the parameters by POST from another site, where our cookie does not come along', async () => {
    const service = await casService()
    const { client } = await newBrowser(app)
    const answer = await client.post('/cas/login', {
      service: service.url,
      gateway: 'true',
      x: '1',
    })
    assert.equal(redirectOf(answer), loginPath(service.url, { gateway: 'true' }))
  })

  it('leads home without a service', async () => {
    const { client } = await signedIn(app)
    assert.equal(redirectOf(await client.get('/cas/login')), '/')
  })

  it('shows an error and sends no browser anywhere for a service that is not registered', async () => {
    const { client } = await signedIn(app)
    for (const service of [
      'https://evil.example/',
      'javascript:alert(1)',
      'https://x',
      '//x/app',
    ]) {
      for (const gateway of [{ renew: 'true' }, { gateway: 'true' }] as Record<string, string>[]) {
        const answer = await client.get(loginPath(service, gateway))
        assert.equal(answer.status, 403, service)
        assert.equal(answer.headers.location, undefined)
        assert.match(answer.body, /CAS_SERVICE_UNKNOWN/)
      }
    }
  })

  it('serves the others when one is registered in a form that is refused now', async () => {
    const service = await casService()
    const strange = await casService()
    const metadata = JSON.stringify({ cas_service: 'https://a=b.example.gr/app' })
    await serviceRecords().updateOne({ serviceId: strange.id }, { $set: { metadata } })
    clearServiceCache()
    const { client } = await signedIn(app)
    ticketOf(await client.get(loginPath(service.url)), service.url)
    assert.equal((await client.get(loginPath(strange.url))).status, 403)
    await removeService(strange.id, 'cas')
  })

  it('gives no ticket when the service was removed while the person typed', async () => {
    const service = await casService()
    const { client, account } = await newBrowser(app)
    const first = await client.get(loginPath(service.url))
    await removeService(service.id, 'cas')
    const answer = await signInFrom(client, first, account.username)
    assert.equal(answer.status, 403)
    assert.match(answer.body, /CAS_SERVICE_UNKNOWN/)
  })

  it('gives no ticket from the session of an account that was disabled meanwhile', async () => {
    const service = await casService()
    const { client, account } = await signedIn(app)
    await accounts().updateOne({ _id: account._id }, { $set: { state: 'disabled' } })
    assert.match(redirectOf(await client.get(loginPath(service.url))), /^\/login\?flow=/)
  })
})

describe('CAS sign-in with authn_method', () => {
  it('says honestly that no second factor is there, and gives no ticket', async () => {
    const service = await casService()
    const { client } = await signedIn(app)
    for (const method of ['mfa-gauth', 'mfa-unheard-of', '__proto__']) {
      const answer = await client.get(loginPath(service.url, { authn_method: method }))
      assert.equal(answer.status, 403, method)
      assert.equal(answer.headers.location, undefined)
      assert.match(answer.body, /CAS_AUTHN_METHOD_UNMET/)
    }
  })

  it('goes back without a ticket for gateway, where nobody is to be stopped', async () => {
    const service = await casService()
    for (const { client } of [await signedIn(app), await newBrowser(app)]) {
      for (const method of ['mfa-gauth', 'mfa-unheard-of']) {
        const parameters = { authn_method: method, gateway: 'true' }
        const answer = await client.get(loginPath(service.url, parameters))
        assert.equal(redirectOf(answer), service.url)
      }
    }
  })

  it('asks nobody for a password in vain for a method that does not exist', async () => {
    const service = await casService()
    const { client } = await newBrowser(app)
    const answer = await client.get(loginPath(service.url, { authn_method: 'mfa-unheard-of' }))
    assert.equal(answer.status, 403)
  })
})
