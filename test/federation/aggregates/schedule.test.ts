import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, it } from 'node:test'
import pino from 'pino'
import {
  federationEntities,
  federations,
} from '../../../src/federation/aggregates/federation-model.ts'
import { addFederation, findFederation } from '../../../src/federation/aggregates/federations.ts'
import { download, isFetchableUrl } from '../../../src/federation/aggregates/metadata-download.ts'
import { refreshFederation } from '../../../src/federation/aggregates/refresh.ts'
import { nextRefresh } from '../../../src/federation/aggregates/refresh-times.ts'
import { refreshDue, startFederationRefresh } from '../../../src/federation/aggregates/schedule.ts'
import { findServiceProvider } from '../../../src/federation/service-store.ts'
import { entity, federationKeys, group, pemOf, sign } from '../../support/aggregate.ts'
import { serveMetadata, startMetadataServer } from '../../support/metadata-server.ts'
import { useStore } from '../../support/store.ts'

useStore()
const { publicKey, privateKey } = federationKeys()
let server: Awaited<ReturnType<typeof startMetadataServer>>
let answer: (request: IncomingMessage, response: ServerResponse) => void
before(async () => {
  server = await startMetadataServer((request, response) => answer(request, response))
})
after(() => server.close())

let now = new Date('2027-01-15T12:00:00Z')
const context = {
  now: () => now,
  log: pino({ level: 'silent' }),
  audit: { record: () => undefined, close: async () => {} },
  config: { clockSkewSeconds: 180 },
}
const aggregate = (name: string) => sign(group([entity(name)]), privateKey)
const add = (path = '/aggregate.xml') =>
  addFederation(
    {
      name: 'test',
      source: { kind: 'url', url: `${server.url}${path}` },
      keysPem: pemOf(publicKey),
      filters: { roles: ['sp'] },
      maxValidityDays: 28,
    },
    now,
  )
beforeEach(async () => {
  now = new Date('2027-01-15T12:00:00Z')
  server.requests.length = 0
  await federations().deleteMany({})
  await federationEntities().deleteMany({})
})

describe('The schedule of federations', () => {
  it('fetches what is due, once, whoever looks', async () => {
    const xml = aggregate('one')
    answer = (request, response) => serveMetadata(request, response, xml, '"1"')
    await add()
    await Promise.all([refreshDue(context), refreshDue(context), refreshDue(context)])
    await refreshDue(context)
    assert.equal(server.requests.length, 1)
    assert.ok(await findServiceProvider('https://one.example.org/sp', now))
    const { nextRefreshAt } = await findFederation('test')
    const hours = (nextRefreshAt.getTime() - now.getTime()) / 3_600_000
    assert.ok(hours > 5.3 && hours < 6.7, `${hours} hours: cacheDuration is PT6H`)
  })

  it('asks whether anything changed, and keeps what it has at 304', async () => {
    let etag = '"1"'
    let xml = aggregate('one')
    answer = (request, response) => serveMetadata(request, response, xml, etag)
    await add()
    await refreshFederation('test', context)
    const { current } = await findFederation('test')
    now = new Date(now.getTime() + 7 * 3_600_000)
    await refreshDue(context)
    assert.equal(server.requests.at(-1)?.headers['if-none-match'], '"1"')
    const unchanged = await findFederation('test')
    assert.deepEqual(unchanged.current, current)
    assert.equal(unchanged.lastAttempt?.result, 'unchanged')
    assert.ok(unchanged.nextRefreshAt > now)
    etag = '"2"'
    xml = aggregate('two')
    await refreshFederation('test', context)
    assert.ok(await findServiceProvider('https://two.example.org/sp', now))
  })

  it('wants the whole document again when the one it has is past its end', async () => {
    const xml = aggregate('one')
    answer = (request, response) => serveMetadata(request, response, xml, '"1"')
    await add()
    await refreshFederation('test', context)
    now = new Date('2027-02-15T12:00:00Z')
    await assert.rejects(refreshFederation('test', context), { code: 'METADATA_NOT_CURRENT' })
    assert.equal(server.requests.at(-1)?.headers['if-none-match'], undefined)
  })

  it('comes back sooner after a failure, then less and less often', async () => {
    answer = (_request, response) => response.writeHead(500).end()
    await add()
    await refreshDue(context)
    assert.match((await findFederation('test')).lastAttempt?.problem ?? '', /answers 500/)
    const waits = [1, 2, 3, 7, 50].map((failures) => {
      const next = nextRefresh({ now, failures, cacheDurationSeconds: 86_400 }, () => 0.5)
      return (next.getTime() - now.getTime()) / 60_000
    })
    assert.deepEqual(waits, [1, 2, 4, 60, 60])
  })

  it('comes well before validUntil, and never at once', () => {
    const minutes = (state: object) =>
      (nextRefresh({ now, failures: 0, ...state }, () => 0.5).getTime() - now.getTime()) / 60_000
    assert.equal(minutes({}), 360)
    assert.equal(minutes({ validUntil: new Date(now.getTime() + 2 * 3_600_000) }), 60)
    assert.equal(minutes({ validUntil: now }), 10)
    assert.equal(minutes({ cacheDurationSeconds: 0 }), 10)
    assert.equal(minutes({ cacheDurationSeconds: 10 ** 9 }), 1440)
  })

  it('gives up a fetch when the server stops, and counts no failure', async () => {
    const asked = new Promise<void>((resolve) => {
      answer = () => resolve()
    })
    await add()
    const schedule = startFederationRefresh(context)
    await asked
    await schedule.stop()
    const { failures, lease, lastAttempt } = await findFederation('test')
    assert.deepEqual(
      { failures, lease, lastAttempt },
      { failures: 0, lease: undefined, lastAttempt: undefined },
    )
  })
})

describe('Fetching metadata', () => {
  const fetchAll = async (path: string, maxBytes = 1_000_000, timeoutMs = 5000) => {
    const pieces: Uint8Array[] = []
    const url = path.startsWith('/') ? `${server.url}${path}` : path
    const head = await download({ url, maxBytes, timeoutMs }, (piece) => {
      pieces.push(piece)
    })
    return { head, text: Buffer.concat(pieces).toString() }
  }
  const unreachable = (message: RegExp) => ({ code: 'METADATA_UNREACHABLE', message })

  it('follows 301, 302 and 307', async () => {
    answer = (request, response) => {
      const status = Number(request.url?.slice(1))
      if (status) response.writeHead(status, { location: '/end' }).end()
      else serveMetadata(request, response, '<x/>', '"1"')
    }
    for (const path of ['/301', '/302', '/307']) assert.equal((await fetchAll(path)).text, '<x/>')
    await assert.rejects(fetchAll('/303'), unreachable(/answers 303/))
  })

  it('goes neither in circles nor where anybody can listen', async () => {
    answer = (request, response) => {
      const location = request.url === '/http' ? 'http://federation.example/' : '/round'
      response.writeHead(302, { location }).end()
    }
    await assert.rejects(fetchAll('/round'), unreachable(/more than 5 redirects/))
    await assert.rejects(fetchAll('/http'), unreachable(/not an https address/))
    await assert.rejects(fetchAll('http://federation.example/'), unreachable(/not an https/))
    for (const url of ['ftp://x/', 'https://u:p@x/', 'http://10.0.0.1/', 'file:///etc/passwd']) {
      assert.equal(isFetchableUrl(url), false, url)
    }
  })

  it('stops at the size limit, counted after decompression', async () => {
    answer = (request, response) => serveMetadata(request, response, ' '.repeat(5_000_000), '"1"')
    await assert.rejects(fetchAll('/bomb'), unreachable(/larger than 1000000 bytes/))
  })

  it('stops at the time limit', async () => {
    answer = (_request, response) => response.writeHead(200).write('<')
    await assert.rejects(fetchAll('/slow', 1000, 50), unreachable(/took over/))
  })
})
