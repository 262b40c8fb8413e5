import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { keyFingerprint, personKey } from '../../src/academicid/person-key.ts'
import { registeredKeys } from '../../src/academicid/registered-key-model.ts'
import { mergeIds } from '../../src/academicid/registry-merge.ts'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { academicIdCommand } from '../../src/cli/academicid.ts'
import { accountCommand } from '../../src/cli/account.ts'
import type { Account } from '../../src/people/account.ts'
import { completeActivation } from '../../src/people/activation.ts'
import { accounts, findAccountByUsername, people } from '../../src/people/people-store.ts'
import { takeOutput } from '../cli/support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { importRows, studentRow } from '../support/registrant.ts'

const sharedKey = randomBytes(32)

describe('propylaia academicid, on a registry of the institution’s own', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ ACADEMICID_SHARED_KEYS: sharedKey.toString('base64url') })
  })
  after(() => app.close())

  const run = (...args: string[]) => takeOutput(() => academicIdCommand(app.context, args))
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out)
  const show = async (username: string) =>
    JSON.parse(
      (await takeOutput(() => accountCommand(app.context, ['show', username, '--json']))).out,
    ).academicId

  /** As an installation of before has them: active, and nothing due. */
  async function activateBefore(change = {}) {
    const row = studentRow(change)
    await importRows(app, row)
    const account = (await findAccountByUsername(row.username as string)) as Account
    const facts = { username: account.username, passwordHash: 'x' }
    const activation = { way: 'administrator' } as const
    await completeActivation(account._id, { ...facts, activation }, app.context.now())
    await accounts().updateOne({ _id: account._id }, { $unset: { academicIdDue: '' } })
    return { row, id: account._id, username: account.username }
  }
  const academicIdOf = async (id: string) => (await people().findOne({ _id: id }))?.academicId

  it('allocate --all gives everybody of before an id, once', async () => {
    const { username } = await activateBefore()
    for (let count = 0; count < 30; count++) await activateBefore()
    assert.equal((await show(username)).state, 'none')
    const first = await json('allocate', '--all')
    assert.deepEqual([first.accounts, first.allocated, first.conflicts], [31, 31, 0])
    const again = await json('allocate', '--all')
    assert.deepEqual([again.accounts, again.allocated], [0, 0])
    const shown = await show(username)
    assert.equal(shown.state, 'has')
    assert.ok(shown.since)
    assert.doesNotMatch(JSON.stringify(shown), /[0-9a-f]{32}/)
  })

  it('allocate USERNAME settles one person, and says when there is no such account', async () => {
    const { id, username } = await activateBefore()
    const { code, out } = await run('allocate', username)
    assert.equal(code, 0)
    assert.match(out, /1 accounts: 1 got an AcademicID/)
    assert.match((await academicIdOf(id)) ?? '', /^[0-9a-f]{32}$/)
    assert.equal((await run('allocate', 'nobody')).code, 1)
    assert.equal((await run('allocate')).code, 2)
    assert.equal((await run('allocate', username, '--all')).code, 2)
    assert.equal((await run('nonsense')).code, 2)
  })

  it('status counts who has one, and shows fingerprints, never keys', async () => {
    const report = await json('status')
    assert.equal(report.registry, 'embedded')
    assert.equal(report.allocated, report.activated)
    assert.equal(report.conflicts, 0)
    assert.equal(report.sharedKeys[0], keyFingerprint(sharedKey))
    assert.equal(report.sharedKeys.length, 2)
    assert.doesNotMatch(JSON.stringify(report), new RegExp(sharedKey.toString('base64url')))
    assert.match((await run('status')).out, /have an id {2}\d+/)
  })

  it('conflicts lists whose numbers have two ids; a merge and sync end it, and the id that stays is everywhere', async () => {
    const { id, row, username } = await activateBefore()
    await run('allocate', username)
    const own = (await academicIdOf(id)) as string
    const key = personKey(sharedKey, 'FR', 'CONFLICT01')
    const other = await app.context.academicIds.registry.put(key)
    await importRows(app, { ...row, ssnCountry: 'FR', ssn: 'CONFLICT01' })
    assert.equal((await json('allocate', '--all')).conflicts, 1)
    assert.equal((await show(username)).state, 'conflict')

    const [conflict, ...more] = await json('conflicts')
    assert.equal(more.length, 0)
    assert.deepEqual(
      [conflict.username, conflict.kind, conflict.academicId, conflict.otherId],
      [username, 'two-ids', own, other.academicId],
    )
    const { out } = await run('conflicts')
    assert.match(out, new RegExp(`${username} .*two ids`))
    for (const text of [out, JSON.stringify(conflict)]) {
      assert.ok(!text.includes(row.amka as string) && !text.includes('CONFLICT01'))
    }
    const undecided = await json('sync')
    assert.deepEqual([undecided.conflict, undecided.changed], [1, 0])
    assert.equal(await academicIdOf(id), own)

    // The human says: the id that the other institution gave stays.
    assert.ok((await mergeIds(other.academicId, own)) >= 1)
    const dry = await json('sync', '--dry-run')
    assert.equal(dry.changed, 1)
    assert.equal(await academicIdOf(id), own)
    const done = await json('sync')
    assert.deepEqual([done.changed, done.conflict, done.missing], [1, 0, 0])
    assert.deepEqual(done.people, [{ username, outcome: 'changed' }])
    assert.equal(await academicIdOf(id), other.academicId)
    assert.deepEqual(await json('conflicts'), [])
    assert.equal((await show(username)).state, 'has')
    assert.equal((await run('sync')).code, 0)
  })

  it('sync says whom the registry does not know, and allocate makes up no id for them', async () => {
    const { id, row, username } = await activateBefore()
    await run('allocate', username)
    const own = await academicIdOf(id)
    const keys = (await people().findOne({ _id: id }))?.academicIdKeys ?? []
    await registeredKeys().deleteMany({ _id: { $in: [...keys] } })
    const { code } = await run('sync')
    assert.equal(code, 1)
    await importRows(app, { ...row, ssnCountry: 'IT', ssn: 'UNKNOWN001' })
    await run('allocate', '--all')
    assert.equal((await accounts().findOne({ _id: id }))?.academicIdConflict?.kind, 'unknown-id')
    assert.equal(await academicIdOf(id), own)
  })

  it('leaves a trace of everything that changed something, without a number', async () => {
    await app.context.audit.close()
    const events = await AuditModel.find({ event: /^academicid\./ }).lean()
    const names = new Set(events.map(({ event }) => event))
    for (const name of ['allocate-all', 'received', 'conflict', 'sync', 'change']) {
      assert.ok(names.has(`academicid.${name}`), name)
    }
    const text = JSON.stringify(events)
    for (const secret of ['CONFLICT01', 'UNKNOWN001', sharedKey.toString('base64url')]) {
      assert.ok(!text.includes(secret))
    }
  })
})
