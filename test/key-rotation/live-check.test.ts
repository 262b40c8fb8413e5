import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import { SignedXml } from 'xml-crypto'
import type { RelyingParty, ServiceProvider } from '../../src/federation/service.ts'
import {
  checkClientLive,
  checkLive,
  judge,
  type LiveKeys,
  strangerKey,
} from '../../src/key-rotation/live-check.ts'
import { kindOfAnswer } from '../../src/key-rotation/probe-answer.ts'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'
import { localKey, makePrivateKey } from '../../src/keys/local-key.ts'
import type { SigningKey } from '../../src/keys/signing-key.ts'
import { bindings } from '../../src/saml/uris.ts'

const now = () => new Date('2026-03-01T10:00:00Z')
const config = {
  samlEntityId: 'https://idp.test/metadata',
  oidcIssuer: 'https://idp.test',
  fetchLoopback: 'true',
}
const context = { config, now } as unknown as Parameters<typeof checkLive>[0]

async function newKey(kid: string): Promise<SigningKey> {
  const privateKey = await makePrivateKey('rsa-2048')
  const publicKey = createPublicKey(privateKey)
  const dates = { notBefore: now(), days: 100 }
  const certificate = selfSignedCertificate({ privateKey, publicKey, commonName: kid, ...dates })
  const facts = { kid, use: 'saml', type: 'rsa-2048', state: 'active', createdAt: now() } as const
  return localKey({ ...facts, certificate }, privateKey)
}

const success = `<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Requester"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"/></samlp:StatusCode></samlp:Status></samlp:LogoutResponse>`
const envelope = (content: string) =>
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${content}</s:Body></s:Envelope>`

describe('The live check', () => {
  let keys: LiveKeys
  /** Keys that the service knows. */
  let known: readonly SigningKey[] = []
  let behaviour: 'checks' | 'answers-all' | 'closes' | 'endless' = 'checks'
  const seen: { url: string; body: string; cookie?: string }[] = []
  const server = createServer(answer)
  let url = ''

  before(async () => {
    const fresh = await newKey('fresh')
    keys = { present: await newKey('present'), fresh, stranger: await strangerKey(fresh) }
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  async function answer(request: IncomingMessage, response: ServerResponse) {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ url: request.url ?? '', body, cookie: request.headers.cookie })
    if (behaviour === 'closes') return request.socket.destroy()
    if (behaviour === 'endless') {
      response.writeHead(200, { 'content-type': 'text/html' })
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => clearInterval(timer))
      return
    }
    if (request.url === '/backchannel') {
      const isBelieved = behaviour === 'answers-all' || (await isTokenOfKnown(body))
      return response.writeHead(isBelieved ? 200 : 400).end()
    }
    const isGood = behaviour === 'answers-all' || isSignedByKnown(request.url ?? '', body)
    if (!isGood) return response.writeHead(500).end('<p>signature cannot be verified</p>')
    if (request.url?.startsWith('/redirect')) {
      const message = encodeURIComponent(deflateRawSync(success).toString('base64'))
      response.writeHead(302, { location: `https://idp.test/slo?SAMLResponse=${message}` }).end()
    } else if (request.url === '/soap') response.end(envelope(success))
    else {
      const value = Buffer.from(success).toString('base64')
      response.end(`<form><input type="hidden" name="SAMLResponse" value="${value}"/></form>`)
    }
  }

  /** As a service does it: xml-crypto and node, not the code under test. */
  function isSignedByKnown(address: string, body: string): boolean {
    if (address.startsWith('/redirect')) {
      const query = address.slice(address.indexOf('?') + 1)
      const [octets = '', signature = ''] = query.split('&Signature=')
      const bytes = Buffer.from(decodeURIComponent(signature), 'base64')
      return known.some(({ publicKey }) => verify('sha256', Buffer.from(octets), publicKey, bytes))
    }
    const xml =
      address === '/soap'
        ? (/<soap:Body>(.*)<\/soap:Body>/s.exec(body)?.[1] ?? '')
        : Buffer.from(new URLSearchParams(body).get('SAMLRequest') ?? '', 'base64').toString()
    return known.some(({ publicKey }) => isSigned(xml, publicKey))
  }

  /** As openid-client's library does it. */
  async function isTokenOfKnown(body: string): Promise<boolean> {
    const token = new URLSearchParams(body).get('logout_token') ?? ''
    const keys = known.map(({ publicKey, kid }) => ({
      ...(publicKey.export({ format: 'jwk' }) as JWK),
      kid,
      alg: 'RS256',
    }))
    const options = { issuer: 'https://idp.test', audience: 'catalogue', typ: 'logout+jwt' }
    return jwtVerify(token, createLocalJWKSet({ keys }), { ...options, currentDate: now() }).then(
      ({ payload }) => payload.sid !== undefined && payload.nonce === undefined,
      () => false,
    )
  }

  function isSigned(xml: string, publicKey: KeyObject): boolean {
    const signature = /<ds:Signature .*<\/ds:Signature>/s.exec(xml)?.[0] ?? ''
    const checker = new SignedXml({
      publicCert: publicKey.export({ type: 'spki', format: 'pem' }),
      getCertFromKeyInfo: () => null,
    })
    checker.loadSignature(signature)
    try {
      return checker.checkSignature(xml)
    } catch {
      return false
    }
  }

  function service(...endpoints: [string, string][]): ServiceProvider {
    const singleLogoutServices = endpoints.map(([binding, path]) => ({
      binding,
      location: `${url}${path}`,
    }))
    return { entityId: 'https://sp.test', singleLogoutServices } as unknown as ServiceProvider
  }

  const ways: [string, string][] = [
    [bindings.soap, '/soap'],
    [bindings.httpRedirect, '/redirect'],
    [bindings.httpPost, '/post'],
  ]
  for (const way of ways) {
    it(`tells whether the service knows the new key, by ${way[0].split(':').at(-1)}`, async () => {
      behaviour = 'checks'
      known = [keys.present, keys.fresh]
      assert.equal((await checkLive(context, service(way), keys)).result, 'accepts')
      known = [keys.present]
      assert.equal((await checkLive(context, service(way), keys)).result, 'refuses')
    })
  }

  it('tells whether an OpenID Connect client knows the new key, by logout tokens', async () => {
    const client = (uri?: string) =>
      ({
        clientId: 'catalogue',
        metadata: { backchannel_logout_uri: uri },
      }) as unknown as RelyingParty
    const askClient = async () =>
      (await checkClientLive(context, client(`${url}/backchannel`), keys)).result
    behaviour = 'checks'
    known = [keys.present, keys.fresh]
    assert.equal(await askClient(), 'accepts')
    known = [keys.present]
    assert.equal(await askClient(), 'refuses')
    behaviour = 'answers-all'
    assert.equal(await askClient(), 'cannot-tell')
    assert.equal((await checkClientLive(context, client(), keys)).reason, 'no-endpoint')
  })

  it('cannot tell anything of a service that refuses even the present key', async () => {
    behaviour = 'checks'
    known = []
    const { result, reason } = await checkLive(context, service(ways[0]!), keys)
    assert.deepEqual([result, reason], ['cannot-tell', 'refuses-present-key'])
  })

  it('cannot tell anything of a service that looks at no signature', async () => {
    behaviour = 'answers-all'
    const { result, reason } = await checkLive(context, service(ways[1]!), keys)
    assert.deepEqual([result, reason], ['cannot-tell', 'answers-alike'])
  })

  it('cannot tell without an endpoint, or when nothing or too much comes back', async () => {
    assert.equal((await checkLive(context, service(), keys)).reason, 'no-endpoint')
    behaviour = 'closes'
    assert.equal((await checkLive(context, service(ways[0]!), keys)).reason, 'no-answer')
    behaviour = 'endless'
    assert.equal((await checkLive(context, service(ways[0]!), keys)).reason, 'no-answer')
  })

  it('goes on to the next endpoint when one cannot tell', async () => {
    behaviour = 'checks'
    known = [keys.present, keys.fresh]
    const dead: [string, string] = [bindings.soap, '/redirect-is-not-soap']
    assert.equal((await checkLive(context, service(dead, ways[1]!), keys)).result, 'accepts')
  })

  it('reaches nobody inside our own network', async () => {
    const before = seen.length
    const strict = { ...context, config: { ...config, fetchLoopback: 'false' } } as typeof context
    const { reason, answers } = await checkLive(strict, service(ways[0]!), keys)
    assert.deepEqual([reason, answers], ['no-answer', ['not-https']])
    assert.equal(seen.length, before)
  })

  it('asks about nobody, and sends no cookies', async () => {
    seen.length = 0
    behaviour = 'checks'
    known = [keys.present]
    await checkLive(context, service(ways[0]!), keys)
    const names = seen.map(({ body }) => /<saml:NameID[^>]*>([^<]+)</.exec(body)?.[1])
    assert.equal(names.length, 3)
    assert.equal(new Set(names).size, 3)
    for (const name of names) assert.match(name ?? '', /^probe-[0-9a-f]{40}$/)
    assert.ok(seen.every(({ cookie }) => cookie === undefined))
    assert.ok(certificatePem(keys.present.certificate ?? '').length > 0)
  })
})

describe('What an answer says', () => {
  const page = (body: string, status = 200, location?: string) =>
    kindOfAnswer({ status, location, body: Buffer.from(body) })

  it('is known by its statuses, a fault, or the HTTP status', () => {
    assert.equal(page(envelope(success)), 'saml Requester UnknownPrincipal')
    assert.equal(page(envelope('<s:Fault><faultcode>x</faultcode></s:Fault>'), 500), 'soap fault')
    assert.equal(page('<p>no', 403), 'http 403')
    assert.equal(page('', 302, 'https://sp.test/error?id=1'), 'http 302')
    assert.equal(page('', 302, 'https://sp.test/?SAMLResponse=!!!'), 'http 302')
    assert.equal(page('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), 'http 200')
  })

  it('decides only when the present key and an unknown one get different answers', () => {
    const good = 'saml Success'
    assert.equal(judge([good, good, 'http 500']).result, 'accepts')
    assert.equal(judge([good, 'http 500', 'http 500']).result, 'refuses')
    assert.equal(judge([good, good, good]).reason, 'answers-alike')
    assert.equal(judge(['http 500', good, 'http 500']).reason, 'refuses-present-key')
    assert.equal(judge([good, 'http 404', 'http 500']).reason, 'unclear')
  })
})
