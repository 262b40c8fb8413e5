import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { AmkaAnswer } from '../../src/amka-registry/amka-registry.ts'
import { nationalRegistry } from '../../src/amka-registry/national-registry.ts'
import { makeAmka } from '../people/support.ts'
import {
  type AmkaRegistryServer,
  collectionItem,
  send,
  startAmkaRegistryServer,
} from '../support/amka-registry-server.ts'
import { freePortRange } from '../support/free-ports.ts'

/** Synthetic. */
const person = {
  amka: makeAmka('1981-05-10', 1234),
  familyName: 'Παπαδόπουλος Νίκας',
  birthDate: '1981-05-10',
}
const otherAmka = makeAmka('1981-05-10', 4321)

let server: AmkaRegistryServer
let logged: { fields: Record<string, unknown>; message: string }[] = []
const log = {
  error: (fields: Record<string, unknown>, message: string) => logged.push({ fields, message }),
} as never

before(async () => {
  server = await startAmkaRegistryServer()
  server.add({ ssn: person.amka, familyName: person.familyName, birthDate: person.birthDate })
})
after(() => server.close())
beforeEach(() => {
  logged = []
  server.behave('normal')
})

const check = (question = person, options: { url?: string; token?: string } = {}) =>
  nationalRegistry({
    url: server.url,
    token: server.token,
    log,
    timeoutMs: 2000,
    ...options,
  }).check(question)

/** Each is one line in the log that says what to do and never about whom. */
function assertLogged(pattern: RegExp) {
  assert.equal(logged.length, 1)
  const line = JSON.stringify(logged)
  assert.match(line, pattern)
  assert.match(line, /AMKA_REGISTRY_/)
  for (const secret of [person.amka, 'Παπαδόπουλος', '1981', '%CE', server.token]) {
    assert.ok(!line.includes(secret), `the log holds "${secret}": ${line}`)
  }
}

describe('the national AMKA registry', () => {
  it('matches number, surname and birth date', async () => {
    assert.equal(await check(), 'match')
    assert.deepEqual(server.requests.at(-1), {
      method: 'GET',
      path: '/ssn/',
      ssn: person.amka,
      familyName: person.familyName,
      birthDate: person.birthDate,
      accept: 'application/vnd.collection+json',
      authorization: `Token ${server.token}`,
    })
    assert.deepEqual(logged, [])
  })

  it('says mismatch for another surname or birth date, unknown for a number it does not have', async () => {
    assert.equal(await check({ ...person, familyName: 'Άλλος' }), 'mismatch')
    assert.equal(await check({ ...person, birthDate: '1981-05-11' }), 'mismatch')
    assert.equal(await check({ ...person, amka: otherAmka }), 'unknown')
    for (const items of [[], null]) {
      server.behave((_request, response) => send(response, 200, { items }))
      assert.equal(await check(), 'unknown')
    }
    assert.deepEqual(logged, [])
  })

  it('says refused for a wrong token or none, and tells the admin which setting to mend', async () => {
    assert.equal(await check(person, { token: 'other' }), 'refused')
    assertLogged(/AMKA_REGISTRY_TOKEN/)
    logged = []
    assert.equal(await check(person, { token: '' }), 'refused')
    assert.equal(server.requests.at(-1)?.authorization, undefined)
    server.behave('refuse')
    assert.equal(await check(), 'refused')
  })

  it('keeps the path of an address that has one', async () => {
    server.behave((_request, response) => send(response, 200, {}))
    assert.equal(await check(person, { url: `${server.url}/api/v2` }), 'unknown')
    assert.equal(server.requests.at(-1)?.path, '/api/v2/ssn/')
  })

  it('knows a number again that the server writes as a JSON number', async () => {
    const amka = makeAmka('1981-01-05', 1234)
    assert.match(amka, /^0/)
    server.behave((_request, response) =>
      send(response, 200, { items: [{ data: [{ name: 'ssn', value: Number(amka) }] }] }),
    )
    assert.equal(await check({ ...person, amka, birthDate: '1981-01-05' }), 'match')
    assert.equal(await check(), 'unreachable')
  })

  it('reads item data with names as keys, and text with a byte order mark, the same', async () => {
    server.behave((_request, response) =>
      send(response, 200, { items: [{ data: { ssn: person.amka } }] }),
    )
    assert.equal(await check(), 'match')
    const collection = { version: '1.0', items: [collectionItem(person.amka)] }
    server.behave((_request, response) => response.end(`\ufeff${JSON.stringify({ collection })}`))
    assert.equal(await check(), 'match')
  })
})

const json = (status: number, members: object): RequestListener => {
  return (_request, response) => send(response, status, members)
}
const raw = (status: number, body: string): RequestListener => {
  return (_request, response) => void response.writeHead(status).end(body)
}
const match = { items: [collectionItem(person.amka)] }
const mismatch = { error: { code: 'ssnerr002' } }
const refused = { error: { code: 'ssnerr001' } }

describe('the national AMKA registry: an answer outside the interface is never a match', () => {
  const broken: Record<string, RequestListener | 'break-500' | 'break-json' | 'break-html'> = {
    'an internal error': 'break-500',
    'half a JSON document': 'break-json',
    "a proxy's page with status 200": 'break-html',
    'an empty body': raw(200, ''),
    'JSON without a collection': raw(200, '{"items":[]}'),
    'a JSON list': raw(200, '[]'),
    'a match with status 201': json(201, match),
    'a match with status 500': json(500, match),
    'a match beside an error': json(200, { ...match, ...mismatch }),
    'no items beside an error': json(200, { error: { code: 'ssnerr009' } }),
    'a mismatch with status 200': json(200, mismatch),
    'a mismatch with status 403': json(403, mismatch),
    'a refused token with status 400': json(400, refused),
    'status 400 with another code': json(400, { error: { code: 'ssnerr003' } }),
    'status 400 without a code': json(400, { error: 'ssnerr002' }),
    'status 401': json(401, refused),
    'status 404': raw(404, 'not here'),
    "somebody else's number": json(200, { items: [collectionItem(otherAmka)] }),
    "somebody else's number beside the asked one": json(200, {
      items: [collectionItem(person.amka), collectionItem(otherAmka)],
    }),
    'an item without a number': json(200, {
      items: [{ data: [{ name: 'familyName', value: 'Παπαδόπουλος' }] }],
    }),
    'an item without data': json(200, { items: [{}] }),
    'an item that is null': json(200, { items: [null] }),
    'items that are no list': json(200, { items: { 0: collectionItem(person.amka) } }),
    'a match in a body of a megabyte': json(200, { ...match, padding: 'x'.repeat(1 << 20) }),
    'a connection that breaks': (_request, response) => void response.destroy(),
    'a body that breaks': (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"collection":')
      setImmediate(() => response.destroy())
    },
  }
  for (const [name, behaviour] of Object.entries(broken)) {
    it(`takes ${name} for unreachable`, async () => {
      server.behave(behaviour)
      const answer: AmkaAnswer = await check()
      assert.equal(answer, 'unreachable')
      assertLogged(/AMKA registry/)
    })
  }

  it('does not follow a redirect, which would take the number to another host', async () => {
    server.behave((request, response) => {
      if (request.url?.startsWith('/ssn/')) {
        response.writeHead(302, { location: `/elsewhere${request.url}` }).end()
      } else send(response, 200, match)
    })
    const before = server.requests.length
    assert.equal(await check(), 'unreachable')
    assert.equal(server.requests.length, before + 1)
    assertLogged(/302/)
  })

  it('gives up on an answer that does not come, or does not end, and asks once', async () => {
    const before = server.requests.length
    const registry = nationalRegistry({ url: server.url, token: server.token, log, timeoutMs: 50 })
    server.behave('hang')
    assert.equal(await registry.check(person), 'unreachable')
    assertLogged(/nothing within 50 ms/)
    logged = []
    server.behave((_request, response) => void response.writeHead(200).write('{"collection":'))
    assert.equal(await registry.check(person), 'unreachable')
    assertLogged(/nothing within 50 ms/)
    assert.equal(server.requests.length, before + 2)
  })

  it('gives up where nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePortRange(1)}`
    assert.equal(await check(person, { url }), 'unreachable')
    assertLogged(/ECONNREFUSED/)
  })
})
