import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { attributeEnvironment } from '../../src/attributes/attribute-environment.ts'
import { grantProxying } from '../../src/cas/proxy.ts'
import { takeTicket } from '../../src/cas/ticket-store.ts'
import { validateTicket } from '../../src/cas/validation.ts'
import { withdrawConsent } from '../../src/consent/withdraw.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { servicesInSession } from '../../src/sso/sessions.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  casService,
  elementsOf,
  failureOf,
  loginPath,
  serviceServer,
  signedIn,
  ticketOf,
  validatePath,
} from './cas-support.ts'

let app: TestApp
let callback: Awaited<ReturnType<typeof startCallback>>
before(async () => {
  app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  callback = await startCallback()
})
after(async () => {
  callback.server.closeAllConnections()
  callback.server.close()
  await app.close()
})

/** A service's own server over TLS, which keeps what it is handed. */
async function startCallback() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    privateKey,
    publicKey,
    commonName: 'localhost',
    notBefore: new Date(Date.now() - 60_000),
    days: 2,
  })
  const cert = certificatePem(certificate)
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const handedOver = new Map<string, string>()
  const answers = { status: 200 }
  const server: Server = createServer({ key, cert }, (req, res) => {
    const { searchParams } = new URL(req.url ?? '', 'https://localhost')
    handedOver.set(searchParams.get('pgtIou') ?? '', searchParams.get('pgtId') ?? '')
    res.writeHead(answers.status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, port, ca: cert, handedOver, answers }
}

/** A service at the callback's host that may proxy, and a proxy-granting ticket of somebody for it. */
async function grantedProxy() {
  const id = `https://localhost:${callback.port}/p${Math.random().toString(36).slice(2)}`
  await casService({ allowProxy: true }, { cas_service: id })
  const url = `${id}/portal`
  const browser = await signedIn(app)
  const ticket = ticketOf(await browser.client.get(loginPath(url)), url)
  const environment = attributeEnvironment(app.context)
  const validated = await validateTicket(app.context, environment, {
    service: url,
    ticket,
    renew: false,
    takesProxies: false,
  })
  const pgtUrl = `${id}/callback?from=us`
  const iou = await grantProxying(app.context, pgtUrl, validated, { ca: callback.ca })
  return { ...browser, id, url, pgtUrl, iou, pgt: callback.handedOver.get(iou ?? '') ?? '' }
}

const proxyPath = (pgt: string, targetService: string) =>
  `/cas/proxy?${new URLSearchParams({ pgt, targetService })}`

async function proxyTicket(pgt: string, targetService: string) {
  const { body } = await serviceServer(app).get(proxyPath(pgt, targetService))
  return elementsOf(body, 'proxyTicket')[0] ?? ''
}

describe('Proxy tickets of CAS (CAS Protocol 2.5.4, 2.7)', () => {
  it('take the person to another service, which sees who stands between', async () => {
    const proxy = await grantedProxy()
    assert.match(proxy.iou ?? '', /^PGTIOU-[A-Za-z0-9]{57}$/)
    assert.match(proxy.pgt, /^PGT-[A-Za-z0-9]{60}$/)
    const target = await casService()
    const ticket = await proxyTicket(proxy.pgt, target.url)
    assert.match(ticket, /^PT-[A-Za-z0-9]{29}$/)
    const { body } = await serviceServer(app).get(
      validatePath('p3/proxyValidate', target.url, ticket),
    )
    assert.deepEqual(elementsOf(body, 'user'), [proxy.account.username])
    assert.deepEqual(elementsOf(body, 'proxy'), [proxy.pgtUrl])
    assert.deepEqual(elementsOf(body, 'isFromNewLogin'), ['false'])
    assert.deepEqual(elementsOf(body, 'mail'), [`${proxy.account.username}@uni.example.gr`])
  })

  it('are no service tickets, and are used up where they are shown as such', async () => {
    const proxy = await grantedProxy()
    const target = await casService()
    const ticket = await proxyTicket(proxy.pgt, target.url)
    const server = serviceServer(app)
    const answer = await server.get(validatePath('serviceValidate', target.url, ticket))
    assert.equal(failureOf(answer), 'INVALID_TICKET_SPEC')
    const again = await server.get(validatePath('proxyValidate', target.url, ticket))
    assert.equal(failureOf(again), 'INVALID_TICKET')
  })

  it('let the service hear of a logout as if the person had come themselves', async () => {
    const proxy = await grantedProxy()
    const target = await casService()
    const ticket = await proxyTicket(proxy.pgt, target.url)
    const session = await SsoSessionModel.findOne({ personId: proxy.account._id }).lean()
    const inSession = async () =>
      (await servicesInSession({ id: String(session?._id) })).map(({ id }) => id)
    assert.deepEqual(await inSession(), [proxy.id])
    const answer = await serviceServer(app).get(validatePath('proxyValidate', target.url, ticket))
    assert.equal(failureOf(answer), undefined)
    assert.deepEqual(await inSession(), [proxy.id, target.id])
  })

  it('are many from one proxy-granting ticket, which is no ticket by itself', async () => {
    const proxy = await grantedProxy()
    const target = await casService()
    const first = await proxyTicket(proxy.pgt, target.url)
    const second = await proxyTicket(proxy.pgt, target.url)
    assert.notEqual(first, second)
    assert.equal(await takeTicket(proxy.pgt, app.context.now()), undefined)
    const answer = await serviceServer(app).get(validatePath('proxyValidate', proxy.url, proxy.pgt))
    assert.equal(failureOf(answer), 'INVALID_TICKET')
  })

  it('end with the sign-in, and with the right to proxy', async () => {
    const target = await casService()
    const ended = await grantedProxy()
    await endEverywhere(app.context, ended.account._id)
    const afterEnd = await serviceServer(app).get(proxyPath(ended.pgt, target.url))
    assert.equal(failureOf(afterEnd), 'INVALID_TICKET')
    const barred = await grantedProxy()
    await setServiceOverrides(barred.id, {}, 'cas')
    const afterBar = await serviceServer(app).get(proxyPath(barred.pgt, target.url))
    assert.equal(failureOf(afterBar), 'UNAUTHORIZED_SERVICE')
  })

  it('end with a proxy-granting ticket that nobody used for as long as a sign-in may be idle', async () => {
    const proxy = await grantedProxy()
    const target = await casService()
    const idleMs = app.context.config.sessionIdleSeconds * 1000
    try {
      app.advance(idleMs - 10_000)
      assert.match(await proxyTicket(proxy.pgt, target.url), /^PT-/)
      app.advance(idleMs - 10_000)
      assert.match(await proxyTicket(proxy.pgt, target.url), /^PT-/, 'each use counts')
      app.advance(idleMs)
      const answer = await serviceServer(app).get(proxyPath(proxy.pgt, target.url))
      assert.equal(failureOf(answer), 'INVALID_TICKET')
    } finally {
      app.advance(20_000 - 3 * idleMs)
    }
  })

  it('end when the person withdraws what they agreed to', async () => {
    const proxy = await grantedProxy()
    const target = await casService()
    await withdrawConsent(app.context, {
      personId: proxy.account._id,
      username: proxy.account.username,
      service: { protocol: 'cas', id: proxy.id },
      by: 'owner',
    })
    const answer = await serviceServer(app).get(proxyPath(proxy.pgt, target.url))
    assert.equal(failureOf(answer), 'INVALID_TICKET')
  })

  it('are for registered services only, and for a request that says all', async () => {
    const proxy = await grantedProxy()
    const server = serviceServer(app)
    const unknown = await server.get(proxyPath(proxy.pgt, 'https://evil.example/'))
    assert.equal(failureOf(unknown), 'UNAUTHORIZED_SERVICE')
    assert.equal(failureOf(await server.get('/cas/proxy?pgt=PGT-x')), 'INVALID_REQUEST')
    const target = await casService()
    const forged = await server.get(proxyPath('PGT-abc', target.url))
    assert.equal(failureOf(forged), 'INVALID_TICKET')
  })

  it('go to no service that the person would have to be asked about', async () => {
    const proxy = await grantedProxy()
    const target = await casService({ disclosure: 'ask' })
    const answer = await serviceServer(app).get(proxyPath(proxy.pgt, target.url))
    assert.equal(failureOf(answer), 'UNAUTHORIZED_SERVICE')
  })
})

describe('Asking for a proxy-granting ticket', () => {
  async function ask(service: { url: string }, pgtUrl: string) {
    const { client } = await signedIn(app)
    const ticket = ticketOf(await client.get(loginPath(service.url)), service.url)
    return serviceServer(app).get(
      validatePath('p3/serviceValidate', service.url, ticket, { pgtUrl }),
    )
  }

  it('is for services that an administrator allowed it', async () => {
    const service = await casService()
    const answer = await ask(service, `${service.id}/callback`)
    assert.equal(failureOf(answer), 'UNAUTHORIZED_SERVICE_PROXY')
  })

  it('takes an https address of the service itself and no other', async () => {
    const service = await casService({ allowProxy: true })
    const other = await casService({ allowProxy: true })
    for (const pgtUrl of [
      `${service.id.replace('https', 'http')}/callback`,
      `${other.id}/callback`,
      'https://evil.example/callback',
      'https://169.254.169.254/latest',
      'nonsense',
    ]) {
      assert.equal(failureOf(await ask(service, pgtUrl)), 'INVALID_PROXY_CALLBACK', pgtUrl)
    }
  })

  it('leaves the validation a success when the ticket cannot be handed over', async () => {
    const id = `https://localhost:${callback.port}/untrusted`
    await casService({ allowProxy: true }, { cas_service: id })
    // Nobody vouches for the certificate here, so nothing is handed to that server.
    const before = callback.handedOver.size
    const answer = await ask({ url: `${id}/x` }, `${id}/callback`)
    assert.equal(failureOf(answer), undefined)
    assert.deepEqual(elementsOf(answer.body, 'proxyGrantingTicket'), [])
    assert.equal(callback.handedOver.size, before)
  })

  it('takes back a ticket that the service answered with an error', async () => {
    callback.answers.status = 500
    try {
      const proxy = await grantedProxy()
      assert.equal(proxy.iou, undefined)
      const last = [...callback.handedOver.values()].at(-1) ?? ''
      const target = await casService()
      const answer = await serviceServer(app).get(proxyPath(last, target.url))
      assert.equal(failureOf(answer), 'INVALID_TICKET')
    } finally {
      callback.answers.status = 200
    }
  })
})
