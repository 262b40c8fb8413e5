import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import pino from 'pino'
import { readConfig } from '../../../src/config.ts'
import { LogoModel } from '../../../src/federation/logos/logo-model.ts'
import {
  findLogo,
  type Logos,
  logoAddress,
  openLogos,
} from '../../../src/federation/logos/logos.ts'
import { registerRelyingParty } from '../../../src/federation/registration.ts'
import type { RegisteredService, RelyingParty } from '../../../src/federation/service.ts'
import { startTestApp, type TestApp } from '../../support/app.ts'
import { HttpClient, hiddenField } from '../../support/http-client.ts'
import { addPerson, testPassword } from '../../support/people.ts'
import { png } from './pictures.ts'

const dayMs = 24 * 3_600_000

describe('Logos of services', () => {
  let app: TestApp
  let server: Server
  let logos: Logos
  let answer: RequestListener
  let requests: number
  let now: Date
  const config = readConfig({ NODE_ENV: 'test', FETCH_LOOPBACK: 'true' })
  const log = pino({ level: 'silent' })

  before(async () => {
    app = await startTestApp()
    server = createServer((req, res) => {
      requests += 1
      answer(req, res)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await app.close()
  })
  beforeEach(async () => {
    await LogoModel.deleteMany({})
    requests = 0
    now = new Date('2027-01-15T12:00:00Z')
    answer = (_req, res) => res.end(png(64, 64))
    logos = await openLogos({ config, log, now: () => now })
  })
  afterEach(() => logos.close())

  const local = (path = '/logo.png') =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const service = (change: Partial<RelyingParty> = {}): RegisteredService => ({
    protocol: 'oidc',
    clientId: 'app',
    state: 'approved',
    origin: 'cli',
    metadata: {},
    displayName: {},
    description: {},
    informationUrl: {},
    privacyStatementUrl: {},
    logoUrl: local(),
    overrides: {},
    ...change,
  })
  const idIn = (address: string | undefined) => address?.slice('/logos/'.length) ?? ''

  it('are fetched when a page first asks, and have an address of ours from then on', async () => {
    const one = service()
    assert.equal(logoAddress(one), undefined)
    await logos.settled()
    const address = logoAddress(one)
    assert.match(address ?? '', /^\/logos\/[0-9a-f]{64}$/)
    assert.equal(requests, 1)
    const found = await findLogo(idIn(address), now)
    assert.deepEqual(found, { picture: png(64, 64), type: 'image/png' })
  })

  it('inside the metadata are served in the same way', async () => {
    const one = service({ logoUrl: `data:image/png;base64,${png(8, 8).toString('base64')}` })
    logoAddress(one)
    await logos.settled()
    assert.ok(logoAddress(one))
    assert.equal(requests, 0)
  })

  it('are not fetched for a service that waits for approval', async () => {
    assert.equal(logoAddress(service({ state: 'pending' })), undefined)
    await logos.settled()
    assert.equal(requests, 0)
  })

  it('of which there is no picture leave the first letter, and are tried again after hours', async () => {
    const answers: RequestListener[] = [
      (_req, res) => res.writeHead(404).end(),
      (_req, res) => res.writeHead(200, { 'content-type': 'image/png' }).end('<svg onload="x"/>'),
      (_req, res) => res.end(Buffer.concat([png(64, 64), Buffer.alloc(300_000)])),
      (_req, res) => res.writeHead(302, { location: 'https://10.0.0.1/logo.png' }).end(),
    ]
    for (const [index, bad] of answers.entries()) {
      answer = bad
      const one = service({ logoUrl: local(`/${index}`) })
      for (let shown = 0; shown < 3; shown++) {
        assert.equal(logoAddress(one), undefined)
        await logos.settled()
      }
    }
    assert.equal(requests, answers.length)
    now = new Date(now.getTime() + dayMs)
    answer = (_req, res) => res.end(png(64, 64))
    const one = service({ logoUrl: local('/0') })
    logoAddress(one)
    await logos.settled()
    assert.ok(logoAddress(one))
  })

  it('are fetched again after a week, and shown for a month while that fails', async () => {
    const one = service()
    logoAddress(one)
    await logos.settled()
    answer = (_req, res) => res.writeHead(503).end()
    now = new Date(now.getTime() + 8 * dayMs)
    const address = logoAddress(one)
    assert.ok(address)
    await logos.settled()
    assert.equal(requests, 2)
    assert.equal(logoAddress(one), address)
    assert.ok(await findLogo(idIn(address), now))
    now = new Date(now.getTime() + 30 * dayMs)
    assert.equal(logoAddress(one), undefined)
    assert.equal(await findLogo(idIn(address), now), undefined)
    await logos.settled()
  })

  it('that another process fetched are known after a start', async () => {
    const one = service()
    logoAddress(one)
    await logos.settled()
    await logos.close()
    logos = await openLogos({ config, log, now: () => now })
    assert.ok(logoAddress(one))
    assert.equal(requests, 1)
  })

  it('come from our own origin and can do nothing there', async () => {
    const one = service()
    logoAddress(one)
    await logos.settled()
    // The app reads the real clock.
    await LogoModel.updateMany({}, { $set: { expiresAt: new Date(Date.now() + dayMs) } })
    const client = new HttpClient(app.baseUrl)
    const { status, headers } = await client.get(logoAddress(one) ?? '')
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'image/png')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /default-src 'none'; sandbox/)
    assert.equal(headers['set-cookie'], undefined)
    for (const id of ['0'.repeat(64), 'x', '..%2f..%2fetc%2fpasswd']) {
      assert.equal((await client.get(`/logos/${id}`)).status, 404)
    }
  })

  it('stand on the home page, whose policy names no foreign host', async () => {
    await registerRelyingParty(
      {
        client_id: 'library',
        client_name: 'Βιβλιοθήκη',
        client_uri: 'https://library.example.org/',
        logo_uri: local(),
        redirect_uris: ['https://library.example.org/callback'],
      },
      { origin: 'cli', approve: true },
    )
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    const { body } = await client.get('/login')
    const _csrf = hiddenField(body, '_csrf')
    await client.post('/login', { _csrf, username: account.username, password: testPassword })
    assert.match((await client.get('/')).body, /<i class="tint-\d" aria-hidden="true">Β<\/i>/)
    await logos.settled()
    const home = await client.get('/')
    assert.match(home.body, /<img src="\/logos\/[0-9a-f]{64}" alt=""/)
    assert.match(String(home.headers['content-security-policy']), /img-src 'self' data:(;|$)/)
  })
})
