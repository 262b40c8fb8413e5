import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noteOwnNames } from '../../src/aliases/own-names.ts'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { useStore } from '../support/store.ts'

useStore()

describe('A start under another entityID or issuer than before', () => {
  it('is said in log and audit, once, with the former names', async () => {
    const warned: object[] = []
    const audited: AuditEvent[] = []
    const start = (samlEntityId: string, oidcIssuer = 'https://sso.example.gr') =>
      noteOwnNames({
        config: { samlEntityId, oidcIssuer },
        now: () => new Date(),
        log: { warn: (details: object) => warned.push(details) },
        audit: { record: (event: AuditEvent) => audited.push(event) },
      } as unknown as Parameters<typeof noteOwnNames>[0])
    await Promise.all([start('https://a.example.gr'), start('https://a.example.gr')])
    await start('https://a.example.gr')
    assert.deepEqual([warned, audited], [[], []])
    await Promise.all([start('https://b.example.gr'), start('https://b.example.gr')])
    await start('https://b.example.gr')
    const [details] = warned as [Record<string, string>]
    assert.equal(warned.length, 1)
    assert.equal(details.formerEntityId, 'https://a.example.gr')
    assert.equal(details.samlEntityId, 'https://b.example.gr')
    assert.deepEqual(
      audited.map(({ event }) => event),
      ['identity.changed'],
    )
    await start('https://b.example.gr', 'https://login.example.gr')
    assert.equal(warned.length, 2)
  })
})
