import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import pino from 'pino'
import type { AuditEvent } from '../../../src/audit/audit-log.ts'
import type { CliContext } from '../../../src/cli/cli-context.ts'
import { federationCommand } from '../../../src/cli/federation.ts'
import { spCommand } from '../../../src/cli/service-provider.ts'
import { federatedDecisions } from '../../../src/federation/aggregates/decision-model.ts'
import { addFederation, removeFederation } from '../../../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../../../src/federation/aggregates/refresh.ts'
import { registerServiceProvider } from '../../../src/federation/registration.ts'
import {
  clearServiceCache,
  findServiceProvider,
  serviceRecords,
} from '../../../src/federation/service-store.ts'
import { takeOutput } from '../../cli/support.ts'
import { entity, federationKeys, group, pemOf, sign } from '../../support/aggregate.ts'
import { serviceMetadata } from '../../support/service-metadata.ts'
import { useStore } from '../../support/store.ts'

useStore()
const folder = mkdtempSync(join(tmpdir(), 'propylaia-decisions-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const { publicKey, privateKey } = federationKeys()
const file = join(folder, 'aggregate.xml')
const now = new Date('2027-01-15T12:00:00Z')
const audited: AuditEvent[] = []
const context = {
  now: () => now,
  log: pino({ level: 'silent' }),
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
  config: { clockSkewSeconds: 180 },
} as unknown as CliContext
const id = 'https://one.example.org/sp'
const sp = async (...args: string[]) => {
  const { code, out, err } = await takeOutput(() => spCommand(context, [...args, '--json']))
  return { code, err, json: out === '' ? undefined : JSON.parse(out) }
}
const find = (entityId = id) => findServiceProvider(entityId, now)
const publish = (...names: string[]) =>
  writeFileSync(file, sign(group(names.map((name) => entity(name))), privateKey))

beforeEach(async () => {
  audited.length = 0
  await removeFederation('test').catch(() => undefined)
  await federatedDecisions().deleteMany({})
  await serviceRecords().deleteMany({})
  clearServiceCache()
  publish('one', 'two')
  await add()
})

async function add(): Promise<void> {
  await addFederation(
    {
      name: 'test',
      source: { kind: 'file', file },
      keysPem: pemOf(publicKey),
      filters: { roles: ['sp'] },
      maxValidityDays: 28,
    },
    now,
  )
  await refreshFederation('test', context)
}

describe('An administrator’s word on a service that a federation vouches for', () => {
  it('counts, is kept apart, and outlives refreshes and the federation itself', async () => {
    const set = await sp('override', id, '--release', 'mail', '--disclosure', 'ask')
    assert.equal(set.code, 0, set.err)
    assert.deepEqual(set.json, {
      entityId: id,
      overrides: { release: ['mail'], disclosure: 'ask' },
    })
    assert.deepEqual((await find())?.overrides, { release: ['mail'], disclosure: 'ask' })
    assert.equal(await serviceRecords().countDocuments({}), 0)
    publish('one', 'three')
    await refreshFederation('test', context, { unconditional: true, confirmShrink: true })
    assert.deepEqual((await find())?.overrides.release, ['mail'])
    await removeFederation('test')
    assert.equal(await find(), undefined)
    await add()
    assert.deepEqual((await find())?.overrides.release, ['mail'])
    assert.deepEqual((await find('https://three.example.org/sp'))?.overrides, {})
  })

  it('changes by what is named only, is shown, listed, and taken back', async () => {
    await sp('override', id, '--block', 'mail', '--start-url', 'https://one.example.org/start')
    const more = await sp('override', id, '--sign-assertions', 'yes')
    assert.deepEqual(more.json.overrides, {
      block: ['mail'],
      startUrl: 'https://one.example.org/start',
      signAssertions: true,
    })
    assert.equal((await find())?.startUrl, 'https://one.example.org/start')
    assert.deepEqual((await sp('override', id)).json.overrides, more.json.overrides)
    const [listed] = (await sp('list')).json
    assert.deepEqual(
      [listed.entityId, listed.state, listed.origin, listed.overrides],
      [id, 'approved', 'federation', more.json.overrides],
    )
    const shown = await takeOutput(() =>
      federationCommand(context, ['show', 'test', '--entity', id, '--json']),
    )
    assert.deepEqual(JSON.parse(shown.out).overrides, more.json.overrides)
    assert.equal((await sp('remove', id)).code, 0)
    assert.deepEqual((await find())?.overrides, {})
    assert.equal((await sp('list')).json.length, 0)
    await assert.rejects(sp('remove', id), { code: 'NOT_FOUND' })
  })

  it('can block it, whatever the federation says, and let it in again', async () => {
    assert.equal((await sp('block', id)).json.state, 'blocked')
    assert.equal((await find())?.state, 'pending')
    await refreshFederation('test', context, { unconditional: true })
    assert.equal((await find())?.state, 'pending')
    assert.equal((await sp('list')).json[0].state, 'blocked')
    assert.equal((await find('https://two.example.org/sp'))?.state, 'approved')
    assert.equal((await sp('approve', id)).json.state, 'approved')
    assert.equal((await find())?.state, 'approved')
    assert.deepEqual(
      audited.filter(({ service }) => service === id).map(({ event }) => event),
      ['service.block', 'service.approve'],
    )
  })

  it('is another word than that on a registration here', async () => {
    const xml = serviceMetadata('one.example.org')
    await registerServiceProvider(xml, { origin: 'cli', approve: false, now })
    await sp('override', id, '--release', 'mail')
    assert.deepEqual((await serviceRecords().findOne({ serviceId: id }))?.overrides, {})
    assert.deepEqual((await find())?.overrides.release, ['mail'])
    await registerServiceProvider(xml, { origin: 'cli', approve: true, now })
    assert.deepEqual((await find())?.overrides, {})
    await sp('override', id, '--release', 'displayName')
    assert.deepEqual((await find())?.overrides.release, ['displayName'])
    await assert.rejects(sp('block', id), { code: 'BAD_REQUEST' })
    assert.equal((await sp('remove', id)).code, 0)
    assert.deepEqual((await find())?.overrides.release, ['mail'])
  })

  it('is not taken on what nobody knows', async () => {
    await assert.rejects(sp('override', 'https://nobody.example.org/sp', '--release', 'mail'), {
      code: 'NOT_FOUND',
    })
    await assert.rejects(sp('block', 'https://nobody.example.org/sp'), { code: 'NOT_FOUND' })
    await assert.rejects(sp('approve', 'https://nobody.example.org/sp'), { code: 'NOT_FOUND' })
  })
})
