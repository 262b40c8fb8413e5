import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { FetchError, type FetchProblem } from '../../src/fetch/public-fetch.ts'
import { postPublic } from '../../src/fetch/public-post.ts'

const usual = { accept: 'text/xml', maxBytes: 1000, timeoutMs: 300, allowLoopback: true }
const form = { contentType: 'application/x-www-form-urlencoded', body: 'a=Καλημέρα' }

const refuses = (promise: Promise<unknown>, reason: FetchProblem) =>
  assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof FetchError, String(error))
    assert.equal(error.reason, reason)
    return true
  })

describe('Posting to an address that a stranger named', () => {
  let server: Server
  let asked: { request: IncomingMessage; body: string }[] = []
  let listener: RequestListener = (_request, response) => response.end()
  before(async () => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push({ request, body })
      listener(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`

  it('sends the body with its type and headers, and brings any answer back', async () => {
    asked = []
    listener = (_request, response) =>
      response.writeHead(500, { 'content-type': 'Text/XML; charset=utf-8' }).end('<Fault/>')
    const posted = { ...form, headers: { soapaction: '"x"' } }
    const answer = await postPublic(address(), posted, usual)
    assert.deepEqual(
      { ...answer, bytes: answer.bytes.toString() },
      { status: 500, bytes: '<Fault/>', contentType: 'text/xml' },
    )
    const [{ request, body }] = asked as [(typeof asked)[0]]
    assert.equal(request.method, 'POST')
    assert.equal(body, form.body)
    assert.equal(request.headers['content-type'], form.contentType)
    assert.equal(request.headers.soapaction, '"x"')
  })

  it('follows no redirect: what is sent is for the registered address', async () => {
    asked = []
    listener = (_request, response) =>
      response.writeHead(307, { location: `${address()}/elsewhere` }).end()
    assert.equal((await postPublic(address(), form, usual)).status, 307)
    assert.equal(asked.length, 1)
  })

  it('reaches nothing on this machine unless it is allowed to', async () => {
    asked = []
    await refuses(
      postPublic('https://127.0.0.1/', form, { ...usual, allowLoopback: false }),
      'not-public',
    )
    await refuses(postPublic(address(), form, { ...usual, allowLoopback: false }), 'not-https')
    assert.equal(asked.length, 0)
  })

  it('gives up on silence, on a body without end, and when its caller does', async () => {
    listener = () => {}
    await refuses(postPublic(address(), form, usual), 'too-slow')
    await refuses(
      postPublic(address(), form, { ...usual, timeoutMs: 60_000, signal: AbortSignal.timeout(50) }),
      'too-slow',
    )
    listener = (_request, response) => {
      response.writeHead(200)
      const more = () => response.write('x'.repeat(100), (error) => error || setImmediate(more))
      more()
    }
    await refuses(postPublic(address(), form, usual), 'too-large')
  })
})
