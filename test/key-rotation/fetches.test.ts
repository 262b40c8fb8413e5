import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { openFetchRecorder } from '../../src/key-rotation/fetch-recorder.ts'
import { metadataFetches } from '../../src/key-rotation/metadata-fetch-model.ts'
import { stageKey } from '../../src/keys/key-life.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'

describe('Who fetched our metadata', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error' })
  })
  after(() => app.close())
  beforeEach(() => metadataFetches().deleteMany({}))

  async function get(path: string, program: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${app.baseUrl}${path}`, {
      headers: { 'user-agent': program, ...headers },
    })
    await response.arrayBuffer()
    return response
  }

  /** It is written behind the answer. */
  async function rows(count: number) {
    for (;;) {
      const found = await metadataFetches().find().sort({ firstAt: 1 }).toArray()
      if (found.length >= count) return found
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('is written down with the keys that were in the document', async () => {
    await get('/saml/metadata', 'shibboleth/3.4.1')
    await get('/oidc/jwks', '[sp:443:17] mod_auth_openidc-2.4')
    await get(`/mdq/entities/${encodeURIComponent(`${app.baseUrl}/saml/metadata`)}`, 'mdq-client')
    const found = await rows(3)
    assert.deepEqual(found.map(({ way, program, count }) => [way, program, count]).sort(), [
      ['jwks', 'mod_auth_openidc-2.4', 1],
      ['mdq', 'mdq-client', 1],
      ['metadata', 'shibboleth/3.4.1', 1],
    ])
    const kidsOf = (way: string) => found.find((row) => row.way === way)?.kids
    assert.deepEqual(kidsOf('metadata'), [app.context.keys.active('saml').kid])
    assert.deepEqual(kidsOf('jwks'), [app.context.keys.active('oidc').kid])
    assert.ok(found.every(({ address }) => address.endsWith('127.0.0.1')))
  })

  it('is written once in ten minutes, and at once when the keys are others', async () => {
    const first = await get('/saml/metadata', 'pysaml2/7')
    await rows(1)
    await get('/saml/metadata', 'pysaml2/7')
    app.advance(11 * 60_000)
    // What the reader has is current: that is as good as fetching it. (fetch() asks past caches.)
    const again = await new HttpClient(app.baseUrl).send('GET', '/saml/metadata', undefined, {
      'user-agent': 'pysaml2/7',
      'if-none-match': first.headers.get('etag') ?? '',
    })
    assert.equal(again.status, 304)
    while ((await rows(1))[0]?.count !== 2) await new Promise((resolve) => setImmediate(resolve))
    const staged = await stageKey(app.context, { use: 'saml', by: 'test' })
    await get('/saml/metadata', 'pysaml2/7')
    while ((await rows(1))[0]?.count !== 3) await new Promise((resolve) => setImmediate(resolve))
    assert.ok((await rows(1))[0]?.kids.includes(staged.kid))
  })

  it('leaves out browsers, other entities and what was refused', async () => {
    await get('/saml/metadata', 'Mozilla/5.0 (X11; Linux x86_64)')
    await get('/mdq/entities/https%3A%2F%2Fother.example', 'mdq-client')
    await get('/mdq/entities/%FF', 'mdq-client')
    await get('/saml/metadata', 'last/1')
    assert.deepEqual(
      (await rows(1)).map(({ program }) => program),
      ['last/1'],
    )
  })

  it('is bounded for each network, however many names a program gives itself', async () => {
    const recorder = openFetchRecorder(app.context)
    const note = (address: string, userAgent: string) =>
      recorder.note({ address, userAgent, way: 'metadata', kids: ['k'] })
    for (let number = 0; number < 40; number += 1) {
      await note('203.0.113.7', `liar/${number}`)
      await note(`2001:db8:0:1::${number}`, 'wanderer')
    }
    await note('198.51.100.1', 'honest')
    const found = await metadataFetches().find().toArray()
    assert.equal(found.filter(({ network }) => network === '203.0.113.7').length, 16)
    assert.equal(found.filter(({ program }) => program === 'wanderer').length, 16)
    assert.equal(found.filter(({ program }) => program === 'honest').length, 1)
    // Those that are known stay known.
    app.advance(60 * 60_000)
    await note('203.0.113.7', 'liar/3')
    const liar = await metadataFetches().findOne({ program: 'liar/3' })
    assert.equal(liar?.count, 2)
  })

  it('holds no control characters and no long names', async () => {
    const recorder = openFetchRecorder(app.context)
    const userAgent = `evil\u001b[2J\u202e${'x'.repeat(1000)}`
    await recorder.note({ address: '203.0.113.9', userAgent, way: 'metadata', kids: [] })
    const [row] = await metadataFetches().find().toArray()
    assert.ok(row && row.program.length <= 100)
    assert.doesNotMatch(row.program, /[\p{Cc}\p{Cf}]/u)
  })
})
