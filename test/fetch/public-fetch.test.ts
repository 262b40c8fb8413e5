import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, BlockList } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type FetchProblem, fetchPublic } from '../../src/fetch/public-fetch.ts'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'

const usual = { accept: '*/*', maxBytes: 1000, timeoutMs: 5000, allowLoopback: true }
const strict = { ...usual, allowLoopback: false }

/** A server on loopback whose answers a test sets, and how often it was asked. */
async function startServer(makeServer: (listener: RequestListener) => Server) {
  let requests = 0
  let listener: RequestListener = (_req, res) => res.end('ok')
  const server = makeServer((req, res) => {
    requests += 1
    listener(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    requests: () => requests,
    answer(next: RequestListener) {
      listener = next
    },
    close() {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const refuses = (promise: Promise<unknown>, reason: FetchProblem) =>
  assert.rejects(promise, { name: 'FetchError', reason })

describe('Fetching what a stranger points to', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  before(async () => {
    server = await startServer(createServer)
  })
  after(() => server.close())
  const local = (path = '/') => `http://127.0.0.1:${server.port}${path}`

  it('brings the bytes and their type', async () => {
    server.answer((_req, res) => {
      res.writeHead(200, { 'content-type': 'Application/XML; charset=utf-8' }).end('Καλημέρα')
    })
    const { bytes, contentType } = await fetchPublic(local(), usual)
    assert.equal(bytes.toString(), 'Καλημέρα')
    assert.equal(contentType, 'application/xml')
  })

  it('reaches nothing on this machine or its network unless it is allowed to', async () => {
    const before = server.requests()
    for (const address of [
      `https://127.0.0.1/`,
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      // How URLs can write 127.0.0.1 otherwise.
      'https://2130706433/',
      'https://0x7f.1/',
      'https://017700000001/',
      'https://10.0.0.1/',
      'https://169.254.169.254/latest/meta-data/',
    ]) {
      await refuses(fetchPublic(address, strict), 'not-public')
    }
    await refuses(fetchPublic(local(), strict), 'not-https')
    assert.equal(server.requests(), before)
  })

  it('takes https addresses only, without user part, at the ports of web servers', async () => {
    for (const address of [
      'http://example.org/',
      'ftp://example.org/',
      'file:///etc/passwd',
      'data:text/plain,x',
      'https://user:pass@example.org/',
      'not an address',
      '',
    ]) {
      await refuses(fetchPublic(address, usual), 'not-https')
    }
    await refuses(fetchPublic('https://example.org:22/', strict), 'not-public')
    await refuses(fetchPublic('https://example.org:6379/', strict), 'not-public')
  })

  it('refuses a name when any of its addresses is not public, and asks no server', async () => {
    const before = server.requests()
    for (const addresses of [
      ['127.0.0.1'],
      ['1.1.1.1', '10.0.0.1'],
      ['fd00::1'],
      ['::ffff:a00:1'],
    ]) {
      const resolve = async () => addresses
      await refuses(fetchPublic('https://sp.example.org/', { ...strict, resolve }), 'not-public')
    }
    const nobody = async () => []
    await refuses(
      fetchPublic('https://sp.example.org/', { ...strict, resolve: nobody }),
      'unknown-host',
    )
    const unknown = () => Promise.reject(new Error('ENOTFOUND'))
    await refuses(
      fetchPublic('https://sp.example.org/', { ...strict, resolve: unknown }),
      'unknown-host',
    )
    assert.equal(server.requests(), before)
  })

  it('looks at each address that it is led to', async () => {
    for (const [location, reason] of [
      ['https://10.0.0.1/', 'not-public'],
      ['https://[fe80::1]/', 'not-public'],
      ['http://example.org/', 'not-https'],
      ['file:///etc/passwd', 'not-https'],
    ] as const) {
      server.answer((_req, res) => res.writeHead(302, { location }).end())
      await refuses(fetchPublic(local(), usual), reason)
    }
    server.answer((req, res) => {
      if (req.url === '/') res.writeHead(307, { location: '/there' }).end()
      else res.end('there')
    })
    assert.equal((await fetchPublic(local(), usual)).bytes.toString(), 'there')
  })

  it('gives up when it is led on and on', async () => {
    const before = server.requests()
    server.answer((_req, res) => res.writeHead(302, { location: '/again' }).end())
    await refuses(fetchPublic(local(), usual), 'too-many-redirects')
    assert.equal(server.requests() - before, 4)
  })

  it('stops at its limit of bytes, announced or not', async () => {
    server.answer((_req, res) => {
      for (let part = 0; part < 5; part++) res.write('x'.repeat(400))
      res.end()
    })
    await refuses(fetchPublic(local(), usual), 'too-large')
  })

  it('stops at its limit of time, before and within the answer', async () => {
    const hurried = { ...usual, timeoutMs: 50 }
    server.answer(() => {})
    await refuses(fetchPublic(local(), hurried), 'too-slow')
    server.answer((_req, res) => {
      res.write('x')
    })
    await refuses(fetchPublic(local(), hurried), 'too-slow')
    const resolve = () => new Promise<readonly string[]>(() => {})
    await refuses(fetchPublic('https://slow.example.org/', { ...hurried, resolve }), 'too-slow')
  })

  it('comes to an end with a server that would talk another protocol', async () => {
    server.answer((req) => {
      req.socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      )
    })
    const late = new Promise((_, reject) => setTimeout(reject, 1000, new Error('no end')).unref())
    await refuses(Promise.race([fetchPublic(local(), usual), late]), 'unreachable')
  })

  it('takes nothing packed, and nothing but success', async () => {
    server.answer((_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('x'))
    await refuses(fetchPublic(local(), usual), 'wrong-type')
    for (const status of [204, 404, 500]) {
      server.answer((_req, res) => res.writeHead(status).end())
      await refuses(fetchPublic(local(), usual), 'not-found')
    }
  })
})

describe('Fetching over TLS', () => {
  const host = 'sp.example.org'
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = certificatePem(
    selfSignedCertificate({
      privateKey,
      publicKey,
      commonName: host,
      notBefore: new Date(Date.now() - 60_000),
      days: 1,
    }),
  )
  let server: Awaited<ReturnType<typeof startServer>>
  before(async () => {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    server = await startServer((listener) => createTlsServer({ key, cert: pem }, listener))
  })
  after(() => server.close())

  it('goes to the address that was looked at, and looks once only', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    let lookUps = 0
    const resolve = async () => answers[lookUps++]!
    server.answer((req, res) => res.end(req.headers.host))
    const options = { ...usual, ca: pem, resolve }
    const { bytes } = await fetchPublic(`https://${host}:${server.port}/`, options)
    assert.equal(bytes.toString(), `${host}:${server.port}`)
    assert.equal(lookUps, 1)
  })

  it('reaches an address in a named network on any port, and no other by that', async () => {
    const networks = new BlockList()
    networks.addSubnet('127.0.0.0', 24, 'ipv4')
    const at = (address: string) => ({
      ...strict,
      ca: pem,
      networks,
      resolve: async () => [address],
    })
    server.answer((_req, res) => res.end('told'))
    const url = `https://${host}:${server.port}/`
    assert.equal((await fetchPublic(url, at('127.0.0.1'))).bytes.toString(), 'told')
    const before = server.requests()
    await refuses(fetchPublic(url, at('127.0.1.1')), 'not-public')
    await refuses(fetchPublic(url, at('203.0.115.1')), 'not-public')
    await refuses(fetchPublic(url.replace('https', 'http'), at('127.0.0.1')), 'not-https')
    const mixed = { ...at(''), resolve: async () => ['127.0.0.1', '127.0.1.1'] }
    await refuses(fetchPublic(url, mixed), 'not-public')
    assert.equal(server.requests(), before)
  })

  it('trusts no certificate of another name or of an unknown authority', async () => {
    const resolve = async () => ['127.0.0.1']
    const before = server.requests()
    const at = (name: string) => `https://${name}:${server.port}/`
    await refuses(fetchPublic(at(host), { ...usual, resolve }), 'unreachable')
    await refuses(
      fetchPublic(at('other.example.org'), { ...usual, resolve, ca: pem }),
      'unreachable',
    )
    assert.equal(server.requests(), before)
  })
})
