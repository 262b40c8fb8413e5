import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  addFederation,
  findFederation,
  removeFederation,
} from '../../../src/federation/aggregates/federations.ts'
import { findMdqService } from '../../../src/federation/aggregates/mdq-client.ts'
import { MdqLimits } from '../../../src/federation/aggregates/mdq-limits.ts'
import { mdqAnswers } from '../../../src/federation/aggregates/mdq-model.ts'
import { findServiceProvider } from '../../../src/federation/service-store.ts'
import { entity, federationKeys, namespaces, pemOf, sign } from '../../support/aggregate.ts'
import { serveMetadata, startMetadataServer } from '../../support/metadata-server.ts'
import { useStore } from '../../support/store.ts'

useStore()
const { publicKey, privateKey } = federationKeys()
const stranger = federationKeys()
let server: Awaited<ReturnType<typeof startMetadataServer>>
let answer: (request: IncomingMessage, response: ServerResponse) => void
before(async () => {
  server = await startMetadataServer((request, response) => answer(request, response))
})
after(() => server.close())

const start = new Date('2027-01-15T12:00:00Z')
const later = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
const sp = (name: string) => `https://${name}.example.org/sp`
const document = (name: string, key = privateKey, times = 'cacheDuration="PT1H"') =>
  sign(
    entity(name, {
      attributes: ` ${namespaces} ID="_1" validUntil="2027-01-16T00:00:00Z" ${times}`,
    }).trim(),
    key,
  )
const documents = new Map<string, string>()
const serve = (request: IncomingMessage, response: ServerResponse) => {
  const id = decodeURIComponent(request.url!.replace('/base/entities/', ''))
  const xml = documents.get(id)
  if (xml) serveMetadata(request, response, xml, '"1"')
  else response.writeHead(404).end()
}
const down = (_request: IncomingMessage, response: ServerResponse) => response.writeHead(503).end()

let count = 0
let name = ''
beforeEach(async () => {
  if (name) await removeFederation(name)
  // A name of its own, so that no test meets the limits of the one before.
  name = `mdq${++count}`
  await addFederation(
    {
      name,
      source: { kind: 'mdq', url: `${server.url}/base/` },
      keysPem: pemOf(publicKey),
      filters: { roles: ['sp'] },
      maxValidityDays: 28,
    },
    start,
  )
  answer = serve
  documents.clear()
  server.requests.length = 0
})

describe('A federation that is asked entity by entity (MDQ)', () => {
  it('vouches for a service; the question has the whole entityID as one path segment', async () => {
    documents.set(sp('one'), document('one'))
    const found = await findServiceProvider(sp('one'), start)
    assert.equal(found?.state, 'approved')
    assert.equal(found?.origin, `federation:${name}`)
    assert.equal(server.requests[0]?.url, '/base/entities/https%3A%2F%2Fone.example.org%2Fsp')
    assert.match(server.requests[0]?.headers.accept ?? '', /^application\/samlmetadata\+xml/)
  })

  it('is asked again when the answer is no longer fresh, and then only for what changed', async () => {
    documents.set(sp('one'), document('one'))
    for (const minutes of [0, 1, 59])
      assert.ok(await findServiceProvider(sp('one'), later(minutes)))
    assert.equal(server.requests.length, 1)
    assert.ok(await findServiceProvider(sp('one'), later(61)))
    assert.equal(server.requests.length, 2)
    assert.equal(server.requests[1]?.headers['if-none-match'], '"1"')
    assert.ok(await findServiceProvider(sp('one'), later(62)))
    assert.equal(server.requests.length, 2)
  })

  it('is asked once by many who wait for the same service', async () => {
    documents.set(sp('one'), document('one'))
    const found = await Promise.all(
      [1, 2, 3, 4, 5].map(() => findServiceProvider(sp('one'), start)),
    )
    assert.ok(found.every((one) => one?.entityId === sp('one')))
    assert.equal(server.requests.length, 1)
  })

  it('is believed for a while when it knows no such entity', async () => {
    assert.equal(await findServiceProvider(sp('none'), start), undefined)
    documents.set(sp('none'), document('none'))
    assert.equal(await findServiceProvider(sp('none'), later(5)), undefined)
    assert.equal(server.requests.length, 1)
    assert.ok(await findServiceProvider(sp('none'), later(11)))
  })

  it('may fail: what it said before stays good until its validUntil', async () => {
    documents.set(sp('one'), document('one'))
    assert.ok(await findServiceProvider(sp('one'), start))
    answer = down
    assert.ok(await findServiceProvider(sp('one'), later(120)))
    assert.match((await findFederation(name)).lastAttempt?.problem ?? '', /answers 503/)
    assert.equal(await findServiceProvider(sp('one'), new Date('2027-01-16T00:00:00Z')), undefined)
  })

  it('is left alone for half a minute after it failed', async () => {
    answer = down
    for (let number = 0; number < 5; number++) await findServiceProvider(sp(`x${number}`), start)
    assert.equal(server.requests.length, 1)
    await findServiceProvider(sp('y'), later(1))
    assert.equal(server.requests.length, 2)
  })

  it('must sign with the pinned key, and answer about the entity asked for', async () => {
    documents.set(sp('forged'), document('forged', stranger.privateKey))
    documents.set(sp('other'), document('one'))
    documents.set(sp('unsigned'), entity('unsigned', { attributes: ` ${namespaces}` }))
    documents.set(sp('endless'), document('endless').replace('2027-01-16', '2028-01-16'))
    for (const one of ['forged', 'other', 'unsigned', 'endless']) {
      assert.equal(await findServiceProvider(sp(one), start), undefined, one)
    }
    assert.equal(await mdqAnswers().countDocuments({ xml: { $exists: true } }), 0)
    documents.set(sp('right'), document('right'))
    assert.ok(await findServiceProvider(sp('right'), start))
  })

  it('is not hammered with made-up entityIDs, and answers about known services meanwhile', async () => {
    documents.set(sp('known'), document('known'))
    assert.ok(await findServiceProvider(sp('known'), start))
    for (let number = 0; number < 100; number++) await findServiceProvider(sp(`x${number}`), start)
    assert.equal(server.requests.length, 20)
    assert.ok(await findServiceProvider(sp('known'), later(61)))
    assert.equal(await mdqAnswers().countDocuments({}), 20)
    for (const odd of [
      'x',
      'javascript:alert(1)',
      'https://a b/',
      `https://x/${'y'.repeat(1100)}`,
    ]) {
      await findServiceProvider(odd, later(90))
    }
    assert.equal(server.requests.length, 21)
  })

  it('is not believed by what a federation of its name said, which had another key', async () => {
    documents.set(sp('one'), document('one'))
    const before = await findFederation(name)
    assert.ok(await findMdqService(before, sp('one'), start))
    await removeFederation(name)
    const added = { ...before, name, keysPem: pemOf(stranger.publicKey) }
    const { source, filters, maxValidityDays, keysPem } = added
    await addFederation({ name, source, filters, maxValidityDays, keysPem }, start)
    // A worker that still knows the former federation keeps its answer after the removal.
    assert.ok(await findMdqService(before, sp('one'), start))
    assert.equal(await findServiceProvider(sp('one'), start), undefined)
  })

  describe('that sends an older answer, genuine and valid still', () => {
    const made = (instant: string, until = '2027-01-16T00:00:00Z') =>
      sign(
        entity('one', {
          attributes: ` ${namespaces} ID="_1" validUntil="${until}" cacheDuration="PT1H"`,
        })
          .trim()
          .replace(
            '<md:Extensions>',
            `<md:Extensions><mdrpi:PublicationInfo publisher="urn:synthetic" creationInstant="${instant}"/>`,
          )
          .replace('Service one', `Service made ${instant}`),
        privateKey,
      )
    const plain = (until: string) =>
      sign(
        entity('one', { attributes: ` ${namespaces} ID="_1" validUntil="${until}"` }).trim(),
        privateKey,
      )
    const nameAt = async (minutes: number) =>
      (await findServiceProvider(sp('one'), later(minutes)))?.displayName.en
    const serveEach = (xml: string) => {
      answer = (request, response) =>
        serveMetadata(request, response, xml, `"${server.requests.length}"`)
    }

    it('keeps the newer one by when both were made, says so, and is asked again soon', async () => {
      serveEach(made('2027-01-15T11:00:00Z'))
      assert.match((await nameAt(0)) ?? '', /T11/)
      serveEach(made('2027-01-15T10:00:00Z', '2027-01-17T00:00:00Z'))
      assert.match((await nameAt(61)) ?? '', /T11/)
      assert.equal((await findFederation(name)).lastAttempt?.code, 'METADATA_OLDER')
      const asked = server.requests.length
      assert.match((await nameAt(61.5)) ?? '', /T11/)
      assert.equal(server.requests.length, asked)
      serveEach(made('2027-01-15T12:30:00Z'))
      assert.match((await nameAt(63)) ?? '', /T12/)
    })

    it('keeps the newer one by validUntil where an answer does not say when it was made', async () => {
      serveEach(plain('2027-01-16T00:00:00Z'))
      assert.ok(await nameAt(0))
      const before = await mdqAnswers().findOne({ entityId: sp('one') })
      serveEach(plain('2027-01-15T23:00:00Z'))
      assert.ok(await nameAt(61))
      const kept = await mdqAnswers().findOne({ entityId: sp('one') })
      assert.deepEqual(kept?.validUntil, before?.validUntil)
    })

    it('is not helped by an answer that there is no such entity, which nobody signs', async () => {
      serveEach(made('2027-01-15T11:00:00Z'))
      assert.ok(await nameAt(0))
      answer = (_request, response) => response.writeHead(404).end()
      assert.equal(await nameAt(61), undefined)
      serveEach(made('2027-01-15T10:00:00Z'))
      assert.equal(await nameAt(130), undefined)
      serveEach(made('2027-01-15T12:30:00Z'))
      assert.match((await nameAt(135)) ?? '', /T12/)
    })
  })

  it('is forgotten with all its answers', async () => {
    documents.set(sp('one'), document('one'))
    assert.ok(await findServiceProvider(sp('one'), start))
    await removeFederation(name)
    name = ''
    assert.equal(await findServiceProvider(sp('one'), start), undefined)
    assert.equal(await mdqAnswers().countDocuments({}), 0)
  })
})

describe('The limits of questions', () => {
  it('come back with time, and count no known service', () => {
    const limits = new MdqLimits()
    const take = (now: Date, isKnown = false) => {
      const may = limits.take(now, isKnown)
      if (may) limits.done()
      return may
    }
    for (let number = 0; number < 20; number++) assert.ok(take(start))
    assert.equal(take(start), false)
    assert.equal(take(start, true), true)
    assert.equal(take(new Date(start.getTime() + 1000)), true)
    assert.equal(take(new Date(start.getTime() + 1000)), false)
  })

  it('allow eight at once', () => {
    const limits = new MdqLimits()
    for (let number = 0; number < 8; number++) assert.ok(limits.take(start, true))
    assert.equal(limits.take(start, true), false)
    limits.done()
    assert.equal(limits.take(start, true), true)
  })
})
