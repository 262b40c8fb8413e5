import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import pino from 'pino'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import type { CliContext } from '../../src/cli/cli-context.ts'
import { federationCommand } from '../../src/cli/federation.ts'
import { entity, federationKeys, group, pemOf, sign } from '../support/aggregate.ts'
import { useStore } from '../support/store.ts'
import { takeOutput } from './support.ts'

useStore()
const folder = mkdtempSync(join(tmpdir(), 'propylaia-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const audited: AuditEvent[] = []
const context = {
  now: () => new Date('2027-01-15T12:00:00Z'),
  log: pino({ level: 'silent' }),
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
  config: { clockSkewSeconds: 180 },
} as unknown as CliContext
const run = (...args: string[]) => takeOutput(() => federationCommand(context, args))

const { publicKey, privateKey } = federationKeys()
const file = join(folder, 'aggregate.xml')
const cert = join(folder, 'key.pem')
writeFileSync(cert, pemOf(publicKey))
const publish = (...names: string[]) =>
  writeFileSync(file, sign(group(names.map((name) => entity(name))), privateKey))

describe('propylaia federation', () => {
  it('adds, lists, shows, refreshes and removes a federation, and audits it', async () => {
    publish('one', 'two', 'three')
    const added = await run('add', 'test', '--file', file, '--cert', cert, '--json')
    assert.equal(added.code, 0, added.err)
    assert.deepEqual(JSON.parse(added.out), { name: 'test', result: 'accepted', entities: 3 })

    const [listed] = JSON.parse((await run('list', '--json')).out)
    assert.equal(listed.current.entities, 3)
    assert.equal(listed.lastAttempt.result, 'accepted')
    const shown = await run('show', 'test', '--entity', 'https://two.example.org/sp', '--json')
    assert.equal(JSON.parse(shown.out).usable, true)

    publish('one')
    const shrunk = await run('refresh', 'test')
    assert.equal(shrunk.code, 1)
    assert.match(shrunk.err, /--confirm-shrink/)
    assert.match((await run('list')).out, /THE LAST REFRESH FAILED/)
    assert.equal((await run('refresh', '--confirm-shrink')).code, 0)
    assert.match((await run('list')).out, /1 of 1 entities/)

    assert.equal((await run('remove', 'test')).code, 0)
    assert.match((await run('list')).out, /No federation/)
    const events = audited.map(({ event, result }) => `${event} ${result}`)
    assert.deepEqual(events, [
      'federation.add success',
      'federation.refresh success',
      'federation.refresh failure',
      'federation.refresh success',
      'federation.remove success',
    ])
  })

  it('lets nothing that a service wrote steer the terminal', async () => {
    publish('odd\u009B2J\u202E', 'odd\u009B2J\u202E')
    const added = await run('add', 'odd', '--file', file, '--cert', cert)
    assert.equal(added.code, 1)
    assert.match(added.err, /stands twice/)
    const { out } = await run('list')
    assert.match(out, /stands twice/)
    for (const text of [added.err, out]) assert.doesNotMatch(text, /[\u0080-\u009F\u202E]/)
    await run('remove', 'odd')
  })

  it('says what is wrong with its arguments', async () => {
    for (const args of [
      [],
      ['add'],
      ['add', 'x', '--cert', cert],
      ['add', 'x', '--url', 'http://federation.example/', '--cert', cert],
      ['add', 'x', '--file', file],
      ['add', 'x', '--file', file, '--cert', cert, '--max-validity-days', '0'],
      ['list', 'x', 'y'],
    ]) {
      const { code, err } = await run(...args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, /Usage: propylaia federation/)
    }
  })
})
