import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { RegistryUnreachable } from '../../src/academicid/academic-id-registry.ts'
import { sharedRegistry } from '../../src/academicid/shared-registry.ts'
import { freePortRange } from '../support/free-ports.ts'

const key = randomBytes(32).toString('base64url')
const good = { academicId: '0f'.repeat(16), created: '2026-11-21T10:00:00.000Z' }
const json = (status: number, body: unknown): RequestListener => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

describe('The shared AcademicID registry as an institution sees it', () => {
  let listener: RequestListener = json(200, good)
  let url: string
  const asked: { method?: string; url?: string; authorization?: string }[] = []
  const server = createServer((request, response) => {
    const { method, headers } = request
    asked.push({ method, url: request.url, authorization: headers.authorization })
    listener(request, response)
  })
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const client = () => sharedRegistry({ url, token: 'synthetic-token', timeoutMs: 300 })

  /** All three questions end as unreachable, and none gives an id. */
  async function assertUnreachable(reason: RegExp): Promise<void> {
    const registry = client()
    for (const question of [
      () => registry.put(key),
      () => registry.get(key),
      () => registry.alias(key, key),
    ]) {
      await assert.rejects(question, (error: Error) => {
        assert.ok(error instanceof RegistryUnreachable, String(error))
        assert.match(error.message, reason)
        assert.ok(!error.message.includes(key) && !error.message.includes('synthetic-token'))
        return true
      })
    }
  }

  it('is asked with the token, by the paths of the interface', async () => {
    listener = json(201, good)
    asked.length = 0
    const registry = client()
    assert.deepEqual(await registry.put(key), {
      academicId: good.academicId,
      created: new Date(good.created),
      isNew: true,
    })
    listener = json(200, good)
    assert.equal((await registry.get(key))?.academicId, good.academicId)
    assert.equal((await registry.alias(key, key)).outcome, 'joined')
    assert.deepEqual(
      asked.map(({ method, url: path }) => `${method} ${path}`),
      [`PUT /v1/persons/${key}`, `GET /v1/persons/${key}`, `POST /v1/persons/${key}/aliases`],
    )
    assert.ok(asked.every(({ authorization }) => authorization === 'Bearer synthetic-token'))
  })

  it('knows nobody, or two ids, only in the interface’s own words', async () => {
    listener = json(404, { error: 'KEY_UNKNOWN' })
    assert.equal(await client().get(key), undefined)
    assert.deepEqual(await client().alias(key, key), { outcome: 'unknown' })
    listener = json(409, { error: 'CONFLICT' })
    assert.deepEqual(await client().alias(key, key), { outcome: 'conflict' })
    // A proxy that has lost the registry.
    listener = json(404, { error: 'not here' })
    await assertUnreachable(/status 404/)
  })

  it('is unreachable when it refuses the token, fails or answers something else', async () => {
    listener = json(401, { error: 'UNAUTHORIZED' })
    await assertUnreachable(/ACADEMICID_TOKEN/)
    for (const status of [202, 204, 400, 403, 429, 500, 503]) {
      listener = json(status, status === 204 ? '' : good)
      await assertUnreachable(/status|no JSON/)
    }
  })

  it('never takes for an id what is none', async () => {
    const bodies = [
      '',
      'null',
      '[]',
      '<h1>Υπηρεσία υπό συντήρηση</h1>',
      '{"academicId":"0f0f',
      JSON.stringify({ created: good.created }),
      JSON.stringify({ academicId: good.academicId }),
      ...[
        1,
        null,
        '',
        'x',
        good.academicId.toUpperCase(),
        `${good.academicId}0`,
        [good.academicId],
      ].map((academicId) => JSON.stringify({ ...good, academicId })),
      ...[0, null, 'yesterday', ''].map((created) => JSON.stringify({ ...good, created })),
    ]
    for (const body of bodies) {
      listener = json(200, body)
      await assertUnreachable(/no JSON object|without an AcademicID/)
    }
  })

  it('is followed nowhere', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      listener = (_request, response) =>
        void response.writeHead(status, { location: `${url}/elsewhere` }).end()
      asked.length = 0
      await assertUnreachable(/status|no JSON/)
      assert.ok(asked.every(({ url: path }) => path !== '/elsewhere'))
    }
  })

  it('may not send more than an answer has', async () => {
    listener = (_request, response) => {
      response.writeHead(200)
      response.end(JSON.stringify({ ...good, filler: 'x'.repeat(100_000) }))
    }
    await assertUnreachable(/more than 4096 bytes/)
  })

  it('is given up when it hangs, before the answer or within it, and when nobody listens', async () => {
    listener = () => undefined
    await assertUnreachable(/nothing within 300 ms/)
    listener = (_request, response) => void response.writeHead(200).write('{"academicId":')
    await assertUnreachable(/nothing within 300 ms/)
    listener = (request) => void request.socket.destroy()
    await assertUnreachable(/[A-Z_]+|failed/)
    const nobody = sharedRegistry({
      url: `http://127.0.0.1:${await freePortRange(1)}`,
      token: 'x',
      timeoutMs: 300,
    })
    await assert.rejects(nobody.put(key), { name: 'RegistryUnreachable', message: 'ECONNREFUSED' })
  })

  it('is not waited for when the process ends', async () => {
    listener = () => undefined
    const registry = sharedRegistry({ url, token: 'x', timeoutMs: 60_000 })
    const question = registry.put(key)
    registry.close()
    await assert.rejects(question, { name: 'RegistryUnreachable' })
  })
})
