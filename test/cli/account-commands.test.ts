import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { accountCommand } from '../../src/cli/account.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { takeOutput } from './support.ts'

const audit = { record(_event: AuditEvent) {}, close: async () => {} }

describe('propylaia account with --json', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  async function account(...args: string[]) {
    const { code, out } = await takeOutput(() =>
      accountCommand({ ...app.context, audit }, [...args, '--json']),
    )
    assert.equal(code, 0)
    return JSON.parse(out)
  }

  for (const [stop, state, release] of [
    ['disable', 'disabled', 'enable'],
    ['lock', 'locked', 'unlock'],
  ] as const) {
    it(`tells programs what ${stop} and ${release} did`, async () => {
      const { username } = (await addPerson()).account
      assert.deepEqual(await account(stop, username, '--reason', 'a test'), {
        username,
        state,
        sessionsEnded: 0,
        services: [],
      })
      assert.deepEqual(await account(release, username), { username, state: 'active' })
    })
  }
})
