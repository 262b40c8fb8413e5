import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import pino from 'pino'
import type { AuditEvent } from '../../../src/audit/audit-log.ts'
import {
  federationEntities,
  federations,
} from '../../../src/federation/aggregates/federation-model.ts'
import {
  addFederation,
  findFederation,
  type NewFederation,
  removeFederation,
} from '../../../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../../../src/federation/aggregates/refresh.ts'
import { registerServiceProvider } from '../../../src/federation/registration.ts'
import { clearServiceCache, findServiceProvider } from '../../../src/federation/service-store.ts'
import { entity, federationKeys, group, pemOf, sign } from '../../support/aggregate.ts'
import { serveMetadata, startMetadataServer } from '../../support/metadata-server.ts'
import { serviceMetadata } from '../../support/service-metadata.ts'
import { useStore } from '../../support/store.ts'

useStore()
const folder = mkdtempSync(join(tmpdir(), 'propylaia-aggregates-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const { publicKey, privateKey } = federationKeys()
const stranger = federationKeys()
const file = join(folder, 'aggregate.xml')

let now = new Date('2027-01-15T12:00:00Z')
const audited: AuditEvent[] = []
const context = {
  now: () => now,
  log: pino({ level: 'silent' }),
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
  config: { clockSkewSeconds: 180 },
}
const sp = (name: string) => `https://${name}.example.org/sp`
const publish = (entities: readonly string[], attributes?: string, key = privateKey) =>
  writeFileSync(file, sign(group(entities, attributes), key))
const add = (name: string, more: Partial<NewFederation> = {}) =>
  addFederation(
    {
      name,
      source: { kind: 'file', file },
      keysPem: pemOf(publicKey),
      filters: { roles: ['sp'] },
      maxValidityDays: 28,
      ...more,
    },
    now,
  )

beforeEach(async () => {
  now = new Date('2027-01-15T12:00:00Z')
  audited.length = 0
  await federations().deleteMany({})
  await federationEntities().deleteMany({})
  clearServiceCache()
})

describe('A federation’s services', () => {
  it('are there once its aggregate is verified, approved by the federation', async () => {
    publish([entity('one'), entity('idp', { role: 'idp' })])
    await add('test')
    assert.equal(await findServiceProvider(sp('one'), now), undefined)
    const { current } = await refreshFederation('test', context)
    assert.equal(current.entityCount, 2)
    assert.equal(current.takenCount, 1)
    const found = await findServiceProvider(sp('one'), now)
    assert.equal(found?.state, 'approved')
    assert.equal(found?.origin, 'federation:test')
    assert.equal(found?.displayName.el, 'Υπηρεσία one')
    assert.equal(await findServiceProvider(sp('idp'), now), undefined)
    assert.equal(await findServiceProvider(sp('ONE'), now), undefined)
  })

  it('are gone when the aggregate’s time is over, also out of the cache', async () => {
    publish([entity('one')])
    await add('test')
    await refreshFederation('test', context)
    assert.ok(await findServiceProvider(sp('one'), now))
    const end = new Date('2027-01-29T12:00:00Z')
    assert.ok(await findServiceProvider(sp('one'), new Date(end.getTime() - 1)))
    assert.equal(await findServiceProvider(sp('one'), end), undefined)
  })

  it('come from the federation that was added first', async () => {
    publish([entity('one')])
    await add('first')
    now = new Date(now.getTime() + 1000)
    await add('second')
    await refreshFederation('second', context)
    assert.equal((await findServiceProvider(sp('one'), now))?.origin, 'federation:second')
    await refreshFederation('first', context)
    assert.equal((await findServiceProvider(sp('one'), now))?.origin, 'federation:first')
    await removeFederation('first')
    assert.equal((await findServiceProvider(sp('one'), now))?.origin, 'federation:second')
  })

  it('give way to an approved registration here, not to one that waits', async () => {
    publish([entity('local')])
    await add('test')
    await refreshFederation('test', context)
    const xml = serviceMetadata('local.example.org')
    await registerServiceProvider(xml, { origin: 'cli', approve: false, now })
    assert.equal((await findServiceProvider(sp('local'), now))?.origin, 'federation:test')
    await registerServiceProvider(xml, { origin: 'cli', approve: true, now })
    assert.equal((await findServiceProvider(sp('local'), now))?.origin, 'cli')
  })

  it('can be filtered by registrar and category', async () => {
    publish([
      entity('gr', { authority: 'http://gr.example/', categories: ['urn:x', 'urn:r'] }),
      entity('fr', { authority: 'http://fr.example/', categories: ['urn:r'] }),
      entity('none', { categories: ['urn:r'] }),
      entity('plain', { authority: 'http://gr.example/' }),
    ])
    const taken = async (filters: Omit<NewFederation['filters'], 'roles'>) => {
      await add('test', { filters: { roles: ['sp'], ...filters } })
      await refreshFederation('test', context)
      const entities = await federationEntities().find().toArray()
      await removeFederation('test')
      return entities.map(({ entityId }) => /\w+(?=\.example)/.exec(entityId)![0]).sort()
    }
    assert.deepEqual(await taken({ allowAuthorities: ['http://gr.example/'] }), ['gr', 'plain'])
    assert.deepEqual(await taken({ denyAuthorities: ['http://gr.example/'] }), ['fr', 'none'])
    assert.deepEqual(await taken({ entityCategories: ['urn:r'] }), ['fr', 'gr', 'none'])
  })
})

describe('Refreshing a federation', () => {
  const failures: [string, string, () => void][] = [
    [
      'by another key',
      'METADATA_SIGNATURE_INVALID',
      () => publish([entity('two')], undefined, stranger.privateKey),
    ],
    [
      'past its end',
      'METADATA_NOT_CURRENT',
      () => publish([entity('two')], 'validUntil="2027-01-01T00:00:00Z"'),
    ],
    [
      'cut short',
      'METADATA_INVALID',
      () => writeFileSync(file, sign(group([entity('two')]), privateKey).slice(0, -40)),
    ],
    [
      'changed after signing',
      'METADATA_SIGNATURE_INVALID',
      () =>
        writeFileSync(
          file,
          sign(group([entity('two')]), privateKey).replace('Service two', 'Service 222'),
        ),
    ],
  ]
  for (const [what, code, spoil] of failures) {
    it(`keeps the version in use when the new one is ${what}, and says so`, async () => {
      publish([entity('one')])
      await add('test')
      const { current } = await refreshFederation('test', context)
      spoil()
      await assert.rejects(refreshFederation('test', context), { code })
      const record = await findFederation('test')
      assert.deepEqual(record.current, current)
      assert.equal(record.lastAttempt?.code, code)
      assert.equal(record.failures, 1)
      assert.equal(record.lease, undefined)
      assert.ok(record.nextRefreshAt < new Date(now.getTime() + 120_000))
      assert.equal(audited.at(-1)?.reason, code)
      assert.equal(await federationEntities().countDocuments({ entityId: sp('two') }), 0)
      assert.ok(await findServiceProvider(sp('one'), now))
      assert.equal(await findServiceProvider(sp('two'), now), undefined)
    })
  }

  it('asks before it lets go of more than a fifth', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    publish(names.map((name) => entity(name)))
    await add('test')
    await refreshFederation('test', context)
    publish(names.slice(0, 3).map((name) => entity(name)))
    await assert.rejects(refreshFederation('test', context), { code: 'METADATA_SHRUNK' })
    assert.ok(await findServiceProvider(sp('e'), now))
    await refreshFederation('test', context, { confirmShrink: true })
    assert.equal(await findServiceProvider(sp('e'), now), undefined)
    publish([...names.slice(0, 3), 'f'].map((name) => entity(name)))
    await refreshFederation('test', context)
    publish(
      names
        .slice(0, 3)
        .concat('g')
        .map((name) => entity(name)),
    )
    await refreshFederation('test', context)
  })

  it('refuses a genuine document that is older than the one in use, until told to take it', async () => {
    const made = (instant: string, inside: string) =>
      `<md:Extensions><mdrpi:PublicationInfo publisher="urn:synthetic" creationInstant="${instant}"/></md:Extensions>${inside}`
    const older = made('2027-01-14T00:00:00Z', entity('removed'))
    const newer = made('2027-01-15T00:00:00Z', entity('one'))
    await add('test')
    publish([newer])
    await refreshFederation('test', context)
    // Valid for longer, by mistake or not: when it was made counts.
    publish([older], 'validUntil="2027-02-05T12:00:00Z"')
    await assert.rejects(refreshFederation('test', context), { code: 'METADATA_OLDER' })
    assert.equal(await findServiceProvider(sp('removed'), now), undefined)
    assert.ok(await findServiceProvider(sp('one'), now))
    // What an entity says of itself is not the document's.
    const inEntity = entity('one').replace(
      '<md:Extensions>',
      '<md:Extensions><mdrpi:PublicationInfo publisher="x" creationInstant="2020-01-01T00:00:00Z"/>',
    )
    publish([made('2027-01-15T06:00:00Z', inEntity)])
    const { current } = await refreshFederation('test', context)
    assert.deepEqual(current.creationInstant, new Date('2027-01-15T06:00:00Z'))
    publish([older])
    await refreshFederation('test', context, { confirmOlder: true })
    assert.ok(await findServiceProvider(sp('removed'), now))
  })

  it('goes by validUntil where documents do not say when they were made', async () => {
    await add('test')
    publish([entity('one')])
    await refreshFederation('test', context)
    publish([entity('removed')], 'validUntil="2027-01-28T12:00:00Z"')
    await assert.rejects(refreshFederation('test', context), { code: 'METADATA_OLDER' })
    publish([entity('one'), entity('two')])
    await refreshFederation('test', context)
    // Past the end of the one in use any that is valid helps.
    now = new Date('2027-01-29T12:00:00Z')
    publish([entity('three')], 'validUntil="2027-01-29T13:00:00Z"')
    await refreshFederation('test', context, { confirmShrink: true })
    assert.ok(await findServiceProvider(sp('three'), now))
  })

  it('leaves two generations in the store at most, and none after removal', async () => {
    await add('test')
    for (const name of ['a', 'b', 'c']) {
      publish([entity(name)])
      await refreshFederation('test', context)
    }
    const left = await federationEntities().find().toArray()
    assert.deepEqual(left.map(({ entityId }) => entityId).sort(), [sp('b'), sp('c')])
    assert.equal(await findServiceProvider(sp('b'), now), undefined)
    await removeFederation('test')
    assert.equal(await federationEntities().countDocuments({}), 0)
    await assert.rejects(refreshFederation('test', context), { code: 'FEDERATION_UNKNOWN' })
  })

  it('is done by one process at a time, and taken over from one that died', async () => {
    publish([entity('one')])
    await add('test')
    const until = new Date(now.getTime() + 60_000)
    await federations().updateOne({ _id: 'test' }, { $set: { lease: { owner: 'other', until } } })
    await assert.rejects(refreshFederation('test', context), { code: 'SERVICE_UNAVAILABLE' })
    now = until
    await refreshFederation('test', context)
    const both = await Promise.allSettled([1, 2].map(() => refreshFederation('test', context)))
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  })

  it('leaves nothing behind when the federation is removed meanwhile', async () => {
    const xml = sign(group([entity('one')]), privateKey)
    // The refresh has begun, and no entity is written: the last step of a removal comes in between.
    const server = await startMetadataServer(async (request, response) => {
      await federations().deleteOne({ _id: 'test' })
      serveMetadata(request, response, xml, '"1"')
    })
    try {
      await add('test', { source: { kind: 'url', url: `${server.url}/aggregate.xml` } })
      await assert.rejects(refreshFederation('test', context), { code: 'SERVICE_UNAVAILABLE' })
    } finally {
      await server.close()
    }
    assert.equal(await federationEntities().countDocuments({}), 0)
    assert.equal(await findServiceProvider(sp('one'), now), undefined)
  })

  it('reports a file that is not there', async () => {
    await add('test', { source: { kind: 'file', file: join(folder, 'absent.xml') } })
    await assert.rejects(refreshFederation('test', context), { code: 'METADATA_UNREACHABLE' })
  })
})

describe('Adding a federation', () => {
  it('refuses weak and strange keys, odd names and names in use', async () => {
    const invalid = { code: 'METADATA_INVALID' }
    await assert.rejects(add('test', { keysPem: 'no pem' }), invalid)
    await assert.rejects(add('a b'), { code: 'BAD_REQUEST' })
    await add('test')
    await assert.rejects(add('test'), { code: 'BAD_REQUEST' })
  })
})
