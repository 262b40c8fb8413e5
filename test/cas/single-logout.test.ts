import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { tickets } from '../../src/cas/ticket-model.ts'
import { backChannelOf } from '../../src/sso/logout-channels.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  casService,
  failureOf,
  loginPath,
  redirectOf,
  serviceServer,
  signedIn,
  ticketOf,
  validatePath,
} from './cas-support.ts'

interface Posted {
  readonly path: string
  readonly type: string
  readonly body: string
}

let app: TestApp
let server: Server
let origin: string
let status = 200
const posted: Posted[] = []

before(async () => {
  app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      posted.push({ path: req.url ?? '', type: String(req.headers['content-type']), body })
      res.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await app.close()
})

let count = 0

/** A service on the loopback server, and somebody who entered it so many times. */
async function entered(times: number, metadata: Record<string, unknown> = {}) {
  const id = `${origin}/s${++count}`
  await casService({}, { cas_service: id, ...metadata })
  const browser = await signedIn(app)
  const tickets: string[] = []
  for (let at = 0; at < times; at++) {
    const url = `${id}/page?at=${at}`
    const ticket = ticketOf(await browser.client.get(loginPath(url)), url)
    const answer = await serviceServer(app).get(validatePath('serviceValidate', url, ticket))
    assert.equal(failureOf(answer), undefined)
    tickets.push(ticket)
  }
  return { ...browser, id, tickets }
}

async function tell(personId: string, serviceId: string) {
  const record = await SsoSessionModel.findOne({ personId }).lean()
  const session = {
    id: String(record?._id),
    personId,
    username: 'x',
    services: [{ protocol: 'cas' as const, id: serviceId }],
  }
  const signal = AbortSignal.timeout(5000)
  posted.length = 0
  return backChannelOf('cas')!(app.context, session, session.services[0]!, signal)
}

describe('Single logout over CAS (CAS Protocol 2.3.3)', () => {
  it('posts each ticket that the service validated to the address that it was for', async () => {
    const { account, id, tickets } = await entered(2)
    assert.equal(await tell(account._id, id), 'done')
    assert.deepEqual(posted.map(({ path }) => path).sort(), [
      `/s${count}/page?at=0`,
      `/s${count}/page?at=1`,
    ])
    const told = posted.map(({ type, body }) => {
      assert.equal(type, 'application/x-www-form-urlencoded')
      const xml = new URLSearchParams(body).get('logoutRequest') ?? ''
      assert.match(xml, /^<samlp:LogoutRequest [^>]*Version="2\.0" IssueInstant="[^"]+">/)
      return /<samlp:SessionIndex>(.*)<\/samlp:SessionIndex>/.exec(xml)?.[1]
    })
    assert.deepEqual(told.sort(), tickets.toSorted())
  })

  it('posts to the address that the service registered for it', async () => {
    const logoutUri = `${origin}/told`
    const { account, id } = await entered(1, { logout_uri: logoutUri })
    assert.equal(await tell(account._id, id), 'done')
    assert.deepEqual(
      posted.map(({ path }) => path),
      ['/told'],
    )
  })

  it('tells nobody of a ticket that was not validated, and lets it be none any more', async () => {
    const { client, id } = await entered(0)
    const url = `${id}/later`
    const ticket = ticketOf(await client.get(loginPath(url)), url)
    posted.length = 0
    await client.get('/cas/logout')
    assert.deepEqual(posted, [])
    assert.equal(await tickets().countDocuments({ service: url }), 0)
    const answer = await serviceServer(app).get(validatePath('serviceValidate', url, ticket))
    assert.equal(failureOf(answer), 'INVALID_TICKET')
  })

  it('says what came of it when the service refuses, or is away', async () => {
    const refusing = await entered(1)
    status = 302
    try {
      assert.equal(await tell(refusing.account._id, refusing.id), 'failed')
    } finally {
      status = 200
    }
    const away = await entered(1, { logout_uri: 'http://127.0.0.1:1/' })
    assert.equal(await tell(away.account._id, away.id), 'no-answer')
  })
})

describe('CAS logout (CAS Protocol 2.3)', () => {
  it('ends the sign-in and goes to the service that is registered', async () => {
    const { client, id } = await entered(1)
    const answer = await client.get(`/cas/logout?service=${encodeURIComponent(`${id}/bye`)}`)
    assert.equal(redirectOf(answer), `${id}/bye`)
    assert.match(redirectOf(await client.get(loginPath(`${id}/x`))), /^\/login\?flow=/)
  })

  it('ends it and goes nowhere else for an address that is not, and never to url', async () => {
    for (const query of [
      'service=https%3A%2F%2Fevil.example%2F',
      'url=https%3A%2F%2Fevil.example',
    ]) {
      const { client, id } = await entered(1)
      const answer = await client.get(`/cas/logout?${query}`)
      assert.ok(!(answer.headers.location ?? '').includes('evil'))
      assert.match(redirectOf(await client.get(loginPath(`${id}/x`))), /^\/login\?flow=/)
    }
  })

  it('asks first whoever uses no CAS service: a page of somebody else may have sent them', async () => {
    const { client } = await signedIn(app)
    assert.equal(redirectOf(await client.get('/cas/logout')), '/logout')
    assert.equal(redirectOf(await client.get('/cas/login')), '/')
  })
})
