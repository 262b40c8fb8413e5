import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { MongoClient } from 'mongodb'
import {
  ask,
  type RegistryProcess,
  sendRaw,
  startRegistryProcess,
} from '../support/academicid-server.ts'

/** A key as an institution makes it: 32 bytes nobody can read anything from. */
const newKey = () => randomBytes(32).toString('base64url')
const academicId = /^[0-9a-f]{32}$/

describe('The AcademicID registry over HTTP (a process of its own)', () => {
  let registry: RegistryProcess
  let second: RegistryProcess
  let token: string
  before(async () => {
    registry = await startRegistryProcess()
    second = await registry.another()
    token = await registry.addToken('uni.example.gr')
  })
  after(async () => {
    await second?.stop()
    await registry?.stop()
  })

  const person = (key: string, from = registry) => `${from.url}/v1/persons/${key}`
  const put = (key: string, from = registry) => ask(person(key, from), 'PUT', { token })
  const get = (key: string) => ask(person(key), 'GET', { token })
  const alias = (key: string, otherKey: unknown) =>
    ask(`${person(key)}/aliases`, 'POST', { token, body: JSON.stringify({ key: otherKey }) })

  it('makes an id at the first PUT (201) and says the same one ever after (200)', async () => {
    const key = newKey()
    assert.equal((await get(key)).status, 404)
    const first = await put(key)
    assert.equal(first.status, 201)
    assert.match(String(first.body.academicId), academicId)
    assert.ok(!Number.isNaN(Date.parse(String(first.body.created))))
    assert.deepEqual(Object.keys(first.body), ['academicId', 'created'])
    const again = await put(key)
    assert.equal(again.status, 200)
    assert.deepEqual(again.body, first.body)
    const read = await get(key)
    assert.equal(read.status, 200)
    assert.deepEqual(read.body, first.body)
    assert.equal(first.headers['cache-control'], 'no-store')
    assert.equal(first.headers['set-cookie'], undefined)
  })

  it('says which setting names a port that is taken, and nothing else', async () => {
    const { code, output } = await registry.run('serve')
    assert.equal(code, 1)
    const { port } = new URL(registry.url)
    assert.match(
      output,
      new RegExp(
        `^propylaia cannot start:\\n {2}ACADEMICID_PORT: ${port} of 127\\.0\\.0\\.1 is taken;.*\\n$`,
      ),
    )
  })

  it('gives 50 calls at the same time, at two server processes, one id; one of them made it', async () => {
    const key = newKey()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, call) => put(key, call % 2 === 0 ? registry : second)),
    )
    assert.equal(new Set(answers.map(({ body }) => body.academicId)).size, 1)
    assert.deepEqual(
      answers.map(({ status }) => status).filter((status) => status === 201),
      [201],
    )
  })

  it('never gives two keys the same id, and ids say nothing about keys', async () => {
    const keys = Array.from({ length: 40 }, newKey)
    const ids = await Promise.all(
      keys.map(async (key) => (await put(key)).body.academicId as string),
    )
    assert.equal(new Set(ids).size, keys.length)
    for (const [index, key] of keys.entries()) {
      assert.notEqual(createHash('sha256').update(key).digest('hex').slice(0, 32), ids[index])
    }
  })

  it('joins a second number of a person, once and for all', async () => {
    const [amka, foreign] = [newKey(), newKey()]
    const { body } = await put(foreign)
    const joined = await alias(foreign, amka)
    assert.equal(joined.status, 201)
    assert.deepEqual(joined.body, body)
    assert.equal((await alias(foreign, amka)).status, 200)
    assert.equal((await alias(amka, foreign)).status, 200)
    assert.deepEqual((await put(amka)).body, body)
    // A third one, by way of the second.
    const third = newKey()
    assert.deepEqual((await alias(amka, third)).body, body)
    assert.deepEqual((await get(third)).body, body)
  })

  it('answers 404 for an alias of nobody, and makes nothing', async () => {
    const other = newKey()
    const answer = await alias(newKey(), other)
    assert.equal(answer.status, 404)
    assert.equal(answer.body.error, 'KEY_UNKNOWN')
    assert.equal((await get(other)).status, 404)
  })

  it('answers 409 when both numbers have ids, and changes neither', async () => {
    const [one, other] = [newKey(), newKey()]
    const [idOfOne, idOfOther] = [(await put(one)).body, (await put(other)).body]
    const answer = await alias(one, other)
    assert.equal(answer.status, 409)
    assert.equal(answer.body.error, 'CONFLICT')
    assert.deepEqual((await get(one)).body, idOfOne)
    assert.deepEqual((await get(other)).body, idOfOther)
  })

  it('of 20 aliases at once for one number one wins; the others are joined or told of the conflict', async () => {
    const target = newKey()
    const anchors = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const key = newKey()
        return { key, id: (await put(key)).body.academicId }
      }),
    )
    const answers = await Promise.all(anchors.map(({ key }) => alias(key, target)))
    const kept = (await get(target)).body.academicId
    for (const [index, { status }] of answers.entries()) {
      assert.equal(status, anchors[index]?.id === kept ? 201 : 409)
    }
  })

  it('lets nobody in without a right token: 401, the same for known and unknown people', async () => {
    const key = newKey()
    await put(key)
    const name = token.slice(0, token.lastIndexOf('.'))
    const wrong = [
      undefined,
      'x',
      `${name}.`,
      `${name}.${randomBytes(32).toString('base64url')}`,
      `nobody.${token.slice(token.lastIndexOf('.') + 1)}`,
      `${token}x`,
      token.slice(0, -1),
    ]
    for (const given of wrong) {
      for (const path of [key, newKey(), 'malformed', `${key}/aliases`]) {
        for (const method of ['GET', 'PUT', 'POST']) {
          const answer = await ask(person(path), method, { token: given })
          assert.equal(answer.status, 401, `${given} ${method} ${path}`)
          assert.equal(answer.body.error, 'UNAUTHORIZED')
          assert.match(String(answer.headers['www-authenticate']), /^Bearer/)
        }
      }
    }
    const basic = { authorization: `Basic ${Buffer.from(token).toString('base64')}` }
    assert.equal((await ask(person(key), 'GET', { headers: basic })).status, 401)
    assert.equal((await ask(`${person(key)}?token=${token}`, 'GET')).status, 401)
  })

  it('refuses malformed keys and bodies with 400, and what is too large with 413', async () => {
    const key = newKey()
    const { body } = await put(key)
    const malformed = [
      'x',
      key.slice(1),
      `${key}A`,
      `${key.slice(0, 42)}B`,
      `${key.slice(0, 42)}=`,
      encodeURIComponent(`${key.slice(0, 41)}ά`),
      '%00'.repeat(14),
      '..',
    ]
    for (const path of malformed) {
      const answer = await ask(person(path), 'PUT', { token })
      // `..` is resolved by the client.
      assert.ok([400, 404].includes(answer.status), path)
    }
    const bodies = ['', '{', '[]', '{}', '"x"', 'null', '{"key":1}', '{"key":["x"]}', '{"key":"x"}']
    for (const text of bodies) {
      const answer = await ask(`${person(key)}/aliases`, 'POST', { token, body: text })
      assert.equal(answer.status, 400, text)
      assert.match(String(answer.body.error), /_MALFORMED$/)
    }
    const large = JSON.stringify({ key: newKey(), filler: 'x'.repeat(2000) })
    const answer = await ask(`${person(key)}/aliases`, 'POST', { token, body: large })
    assert.equal(answer.status, 413)
    assert.deepEqual((await get(key)).body, body)
  })

  it('says which methods there are (405), and that there is nothing else (404)', async () => {
    const key = newKey()
    for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await ask(person(key), method, { token })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers.allow, 'PUT, GET')
    }
    assert.equal((await ask(`${person(key)}/aliases`, 'GET', { token })).headers.allow, 'POST')
    for (const path of [
      '/',
      '/v1',
      '/v1/persons',
      '/v1/persons/',
      '/v2/persons/x',
      '/v1/persons/a/b',
    ]) {
      const { status } = await ask(`${registry.url}${path}`, 'GET', { token })
      assert.ok(status === 404 || status === 400, path)
    }
  })

  it('outlives requests that are no HTTP, and headers without end', async () => {
    assert.match(await sendRaw(registry.url, 'nonsense\r\n\r\n'), /400|^$/)
    const header = `x: ${'y'.repeat(20_000)}`
    assert.match(
      await sendRaw(registry.url, `GET / HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n`),
      /431|^$/,
    )
    assert.equal((await put(newKey())).status, 201)
  })

  it('tells load balancers that it lives and is ready, without a token', async () => {
    assert.equal((await ask(`${registry.url}/health/live`, 'GET')).status, 200)
    assert.equal((await ask(`${registry.url}/health/ready`, 'GET')).status, 200)
  })

  it('shuts a revoked token out at every process within two seconds; others stay', async () => {
    const other = await registry.addToken('left.example.gr')
    const key = newKey()
    const asOther = (from: RegistryProcess) => ask(person(key, from), 'PUT', { token: other })
    for (const from of [registry, second]) assert.ok((await asOther(from)).status < 300)
    const { code } = await registry.run('token', 'revoke', 'left.example.gr')
    assert.equal(code, 0)
    for (const from of [registry, second]) {
      await until(async () => (await asOther(from)).status === 401)
    }
    assert.equal((await put(key)).status, 200)
  })

  it('shows a token once, lists names alone, refuses a second one for a name', async () => {
    const { output } = await registry.run('token', 'list', '--json')
    const names = (JSON.parse(output) as { name: string }[]).map(({ name }) => name)
    assert.ok(names.includes('uni.example.gr'))
    assert.ok(!output.includes(token.slice(token.lastIndexOf('.') + 1)))
    const again = await registry.run('token', 'add', 'uni.example.gr')
    assert.equal(again.code, 1)
    assert.equal((await registry.run('token', 'add', 'Not A Name')).code, 2)
    assert.equal((await registry.run('token', 'revoke', 'unknown.example.gr')).code, 1)
  })

  it('keeps its own collections in its store and no others', async (t) => {
    const own = await startRegistryProcess()
    t.after(() => own.stop())
    const token = await own.addToken('uni.example.gr')
    assert.equal((await ask(person(newKey(), own), 'PUT', { token })).status, 201)
    const { uri } = own.store()
    const client = await new MongoClient(uri).connect()
    const names = (await client.db().listCollections().toArray()).map(({ name }) => name)
    await client.close()
    assert.deepEqual(names.toSorted(), ['academicIdTokens', 'academicIds', 'audit', 'versions'])
  })

  it('stops cleanly on SIGTERM, and knows everybody after the next start', async (t) => {
    const own = await startRegistryProcess()
    t.after(() => own.stop())
    const ownToken = await own.addToken('uni.example.gr')
    const key = newKey()
    const made = await ask(person(key, own), 'PUT', { token: ownToken })
    own.started.child.kill('SIGTERM')
    assert.equal(await own.started.exited, 0)
    const restarted = await own.another()
    t.after(() => restarted.stop())
    const found = await ask(person(key, restarted), 'GET', { token: ownToken })
    assert.deepEqual(found.body, made.body)
  })
})

/** Asks again until it is so; node:test ends it when it never is. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
