import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { findConsent } from '../../src/consent/consent-store.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type HttpClient, hiddenField } from '../support/http-client.ts'
import {
  casService,
  elementsOf,
  loginPath,
  redirectOf,
  serviceServer,
  signedIn,
  ticketOf,
  validatePath,
} from './cas-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

/** The consent page that a sign-in leads to, and what is decided there. */
async function decide(client: HttpClient, path: string, fields: Record<string, string>) {
  assert.match(path, /^\/consent\?flow=/)
  const page = await client.get(path)
  assert.equal(page.status, 200)
  const done = await client.post(path, {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    ...fields,
  })
  return { page: page.body, answer: await client.get(redirectOf(done)) }
}

const validate = (service: string, ticket: string) =>
  serviceServer(app).get(validatePath('p3/serviceValidate', service, ticket))

describe('A CAS service that must ask', () => {
  it('gets a ticket only after the person saw what goes, the username too, and agreed', async () => {
    const service = await casService({ disclosure: 'ask' })
    const { client, account } = await signedIn(app)
    const path = redirectOf(await client.get(loginPath(service.url)))
    const { page, answer } = await decide(client, path, { decision: 'agree', remember: 'yes' })
    assert.match(page, /Δοκιμαστική υπηρεσία/)
    assert.match(page, new RegExp(`${account.username}@uni\\.example\\.gr`))
    assert.match(page, /<code|class="code"[^>]*>uid</)
    const { body } = await validate(service.url, ticketOf(answer, service.url))
    assert.equal(elementsOf(body, 'mail').length, 1)
    const record = await findConsent(account._id, { protocol: 'cas', id: service.id })
    assert.deepEqual([...(record?.standing?.attributes ?? [])].sort(), [
      'eduPersonAffiliation',
      'mail',
      'uid',
    ])
    // Remembered: the next time nobody is asked.
    ticketOf(await client.get(loginPath(service.url)), service.url)
  })

  it('asks again for each ticket when the agreement was for once', async () => {
    const service = await casService({ disclosure: 'ask' })
    const { client } = await signedIn(app)
    const path = redirectOf(await client.get(loginPath(service.url)))
    const { answer } = await decide(client, path, { decision: 'agree' })
    ticketOf(answer, service.url)
    assert.match(redirectOf(await client.get(loginPath(service.url))), /^\/consent\?flow=/)
  })

  it('gets nothing, not even the browser, when the person does not agree', async () => {
    const service = await casService({ disclosure: 'ask' })
    const { client } = await signedIn(app)
    const path = redirectOf(await client.get(loginPath(service.url)))
    const { answer } = await decide(client, path, { decision: 'disagree' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.location, undefined)
    assert.match(answer.body, /Δεν στάλθηκε τίποτα/)
  })

  it('goes back without a ticket for gateway, where nobody may be asked', async () => {
    const service = await casService({ disclosure: 'ask' })
    const { client } = await signedIn(app)
    const answer = await client.get(loginPath(service.url, { gateway: 'true' }))
    assert.equal(redirectOf(answer), service.url)
  })

  it('gets no more than what the page showed, whatever was allowed since', async () => {
    const service = await casService({ disclosure: 'ask' })
    const { client } = await signedIn(app)
    const path = redirectOf(await client.get(loginPath(service.url)))
    const { answer } = await decide(client, path, { decision: 'agree' })
    await setServiceOverrides(service.id, { disclosure: 'ask', release: ['displayName'] }, 'cas')
    const { body } = await validate(service.url, ticketOf(answer, service.url))
    assert.equal(elementsOf(body, 'mail').length, 1)
    assert.deepEqual(elementsOf(body, 'displayName'), [])
  })
})

describe('What people see of their CAS services', () => {
  it('is on the home page, in the list of services, and in what was received', async () => {
    const service = await casService({}, { client_uri: 'https://start.example.gr/courses' })
    const { client, account } = await signedIn(app)
    const ticket = ticketOf(await client.get(loginPath(service.url)), service.url)
    await validate(service.url, ticket)
    assert.match((await client.get('/')).body, /href="https:\/\/start\.example\.gr\/courses"/)
    const list = await client.get('/account/services?q=Δοκιμαστική')
    const link = `/account/services/release?protocol=cas&amp;id=${encodeURIComponent(service.id)}`
    assert.ok(list.body.includes(link), list.body.slice(0, 3000))
    const release = await client.get(link.replace('&amp;', '&'))
    assert.equal(release.status, 200)
    // The username goes as the user, although it was not asked for by name.
    assert.match(release.body, /class="code">uid</)
    assert.match(release.body, new RegExp(`${account.username}@uni\\.example\\.gr`))
  })

  it('is in the audit log: names of what went, no value and no ticket', async () => {
    const service = await casService()
    const { client, account } = await signedIn(app)
    const ticket = ticketOf(await client.get(loginPath(service.url)), service.url)
    await validate(service.url, ticket)
    let entry: Record<string, unknown> | null = null
    // Written in batches behind the request.
    for (let tries = 0; !entry && tries < 100; tries++) {
      entry = await AuditModel.findOne({ event: 'cas.validate', service: service.id }).lean()
      if (!entry) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const text = JSON.stringify(entry)
    assert.match(text, /"attributes":\["uid"|"attributes":\[[^\]]*"mail"/)
    assert.ok(!text.includes(ticket))
    assert.ok(!text.includes('@uni.example.gr'))
    assert.equal(entry?.username, account.username)
  })
})
