import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import pino from 'pino'
import {
  federationEntities,
  federations,
} from '../../../src/federation/aggregates/federation-model.ts'
import { addFederation, findFederation } from '../../../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../../../src/federation/aggregates/refresh.ts'
import { findServiceProvider } from '../../../src/federation/service-store.ts'
import { entity, federationKeys, group, pemOf, sign } from '../../support/aggregate.ts'
import { useStore } from '../../support/store.ts'

const store = useStore()
const folder = mkdtempSync(join(tmpdir(), 'propylaia-import-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const { publicKey, privateKey } = federationKeys()
const now = new Date('2027-01-15T12:00:00Z')
const context = {
  now: () => now,
  log: pino({ level: 'silent' }),
  audit: { record: () => {}, close: async () => {} },
  config: { clockSkewSeconds: 180 },
}
/** Nobody writes to it: whoever reads it waits. */
const endless = join(folder, 'endless')

/** The process that imports, once it runs; where the system has /proc. */
async function importProcess(): Promise<number> {
  for (;;) {
    const children = readdirSync('/proc/self/task').flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    )
    const found = children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('import-process'),
    )
    if (found) return Number(found)
    await setImmediate()
  }
}

describe('The process that imports an aggregate', { skip: process.platform !== 'linux' }, () => {
  before(async () => {
    execFileSync('mkfifo', [endless])
    const file = join(folder, 'aggregate.xml')
    writeFileSync(file, sign(group([entity('one')]), privateKey))
    const base = { keysPem: pemOf(publicKey), filters: { roles: ['sp'] as const } }
    await addFederation(
      { name: 'test', source: { kind: 'file', file }, ...base, maxValidityDays: 28 },
      now,
    )
    const { peakResident } = await refreshFederation('test', context)
    assert.ok(peakResident! > 0)
    const source = { kind: 'file', file: endless } as const
    await federations().updateOne({ _id: 'test' }, { $set: { source } })
  })

  it('is told where the store is, and finds neither that nor our secrets around it', async () => {
    process.env.MASTER_KEY = 'a-secret-of-the-server'
    const aborted = new AbortController()
    const refresh = refreshFederation('test', context, { signal: aborted.signal })
    const failure = assert.rejects(refresh)
    try {
      const pid = await importProcess()
      for (const file of ['environ', 'cmdline']) {
        const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
        assert.doesNotMatch(text, /a-secret-of-the-server/)
        assert.ok(!text.includes(store.current().uri))
      }
    } finally {
      delete process.env.MASTER_KEY
      aborted.abort()
      await failure
    }
  })

  it('may be killed: the version before stays, and the record says what happened', async () => {
    const refresh = refreshFederation('test', context)
    const failure = assert.rejects(
      refresh,
      /the process that reads the aggregate was ended by SIGKILL/,
    )
    process.kill(await importProcess(), 'SIGKILL')
    await failure
    assert.ok(await findServiceProvider('https://one.example.org/sp', now))
    assert.equal(await federationEntities().countDocuments({}), 1)
    const { lastAttempt, lease } = (await findFederation('test'))!
    assert.match(lastAttempt!.problem!, /ended by SIGKILL/)
    assert.equal(lease, undefined)
  })

  it('is gone when the refresh is given up', async () => {
    const aborted = new AbortController()
    const refresh = refreshFederation('test', context, { signal: aborted.signal })
    const failure = assert.rejects(refresh, /given up/)
    const pid = await importProcess()
    aborted.abort()
    await failure
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })
})
