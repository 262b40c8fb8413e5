import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RefusalLog } from '../../src/academicid/refusal-log.ts'
import type { AuditEvent } from '../../src/audit/audit-log.ts'

describe('Requests to the registry without a valid token, in the audit log', () => {
  it('are written once a minute and counted in between: a stranger cannot fill it', () => {
    const written: AuditEvent[] = []
    let now = 1_000_000
    const log = new RefusalLog({ record: (event) => written.push(event) }, () => now)
    for (let request = 0; request < 1000; request++) log.note('no-token', '192.0.2.1')
    log.note('wrong-token', '192.0.2.2')
    assert.deepEqual(
      written.map(({ reason, address }) => [reason, address]),
      [
        ['no-token', '192.0.2.1'],
        ['wrong-token', '192.0.2.2'],
      ],
    )
    now += 60_000
    log.note('no-token', '192.0.2.3')
    assert.deepEqual(written[2]?.details, { sinceTheLast: 999 })
    assert.equal(written.length, 3)
  })
})
