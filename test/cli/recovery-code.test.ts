import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { accountCommand } from '../../src/cli/account.ts'
import type { CliContext } from '../../src/cli/cli-context.ts'
import type { Account } from '../../src/people/account.ts'
import { accounts, findAccount, people } from '../../src/people/people-store.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { redeemRecoveryCode } from '../../src/people/recovery-code.ts'
import { fixedSecrets } from '../people/support.ts'
import { addPerson } from '../support/people.ts'
import { useStore } from '../support/store.ts'
import { takeOutput } from './support.ts'

useStore()
beforeEach(async () => {
  await people().deleteMany({})
  await accounts().deleteMany({})
  audited.length = 0
})

const now = new Date('2026-11-22T12:05:00Z')
const audited: AuditEvent[] = []
const context = {
  secrets: fixedSecrets(),
  now: () => now,
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
} as unknown as CliContext

const recoveryCode = (...args: string[]) =>
  takeOutput(() => accountCommand(context, ['recovery-code', ...args]))

async function addPending(
  username: string,
  change: { role?: Partial<PersonRole>; account?: Partial<Account>; lastName?: string } = {},
) {
  const lastName = change.lastName ?? 'Παπαδοπούλου'
  const { person, account } = await addPerson({
    account: { username, state: 'pending', ...change.account },
    person: { lastName: { el: lastName, en: 'Synthetic' } },
  })
  const roles = person.roles.map((role) => ({ ...role, ...change.role }))
  await people().updateOne({ _id: person._id }, { $set: { roles, username } })
  return account
}

/** As a spreadsheet reads it (RFC 4180); no field of ours holds a line break. */
function readCsv(text: string): Record<string, string>[] {
  const rows = text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    )
  const [header = [], ...lines] = rows
  return lines.map((line) => Object.fromEntries(header.map((name, index) => [name, line[index]!])))
}

async function redeem(username: string, passphrase: string) {
  const terms = { terms: '1', privacy: '1', acceptedAt: now }
  const chosen = { passwordHash: 'synthetic', acceptedTerms: terms }
  return (await redeemRecoveryCode(context, username, passphrase, async () => chosen)).outcome
}

describe('propylaia account recovery-code USERNAME', () => {
  it('prints a passphrase once, which activates that account until its day has come', async () => {
    const account = await addPending('dpapa')
    const printed = await recoveryCode('DPapa', '--days', '10')
    assert.equal(printed.code, 0, printed.err)
    const [, passphrase] = /^dpapa: (\S+)\nGood until 2026-12-02 14:05 \(Greece\)/.exec(
      printed.out,
    )!
    assert.equal((await findAccount(account._id))?.recoveryCode?.triesLeft, 5)
    assert.equal(await redeem('dpapa', passphrase!), 'done')
  })

  it('leaves who issued it and for whom in the audit log, and not the passphrase', async () => {
    const account = await addPending('dpapa')
    const { passphrase } = JSON.parse((await recoveryCode('dpapa', '--json')).out)
    assert.deepEqual(audited, [
      {
        event: 'account.recovery-code',
        result: 'success',
        personId: account._id,
        username: 'dpapa',
        details: { by: 'command line', days: 30 },
      },
    ])
    assert.ok(!JSON.stringify(audited).includes(passphrase))
  })

  it('refuses an unknown username and an account that a passphrase would not open', async () => {
    assert.match((await recoveryCode('nobody')).err, /there is no account "nobody"/)
    const account = await addPending('is.disabled', { account: { state: 'disabled' } })
    const printed = await recoveryCode(account.username)
    assert.equal(printed.code, 1)
    assert.match(printed.err, /is disabled/)
    assert.equal((await findAccount(account._id))?.recoveryCode, undefined)
    assert.equal(audited.length, 0)
  })

  it('gives one to somebody who is active or locked, for a new password', async () => {
    for (const state of ['active', 'locked'] as const) {
      const account = await addPending(`is.${state}`, { account: { state } })
      assert.equal((await recoveryCode(account.username)).code, 0)
      assert.ok((await findAccount(account._id))?.recoveryCode)
    }
  })

  it('says what is wrong with its arguments', async () => {
    const wrong = [
      [],
      ['a', 'b'],
      ['dpapa', '--days', '0'],
      ['dpapa', '--days', '366'],
      ['dpapa', '--days', '1.5'],
      ['dpapa', '--csv'],
      ['dpapa', '--role', 'student'],
      ['--all-pending'],
      ['--all-pending', '--csv', '--json'],
      ['--all-pending', '--csv', 'dpapa'],
      ['--all-pending', '--csv', '--role', 'faculty'],
      ['--all-pending', '--json', '--bom'],
    ]
    for (const args of wrong) assert.equal((await recoveryCode(...args)).code, 2, args.join(' '))
  })
})

describe('propylaia account recovery-code --all-pending', () => {
  it('lists everybody who is pending, in the order of usernames, and every passphrase works', async () => {
    for (const name of ['chara', 'anna', 'babis']) await addPending(name)
    await addPending('active', { account: { state: 'active' } })
    const printed = await recoveryCode('--all-pending', '--csv')
    assert.equal(printed.code, 0, printed.err)
    assert.match(
      printed.out,
      /^username,lastName,firstName,department,registrationNumber,passphrase,expiresAt\r\n/,
    )
    const rows = readCsv(printed.out)
    assert.deepEqual(
      rows.map(({ username }) => username),
      ['anna', 'babis', 'chara'],
    )
    const { passphrase, ...rest } = rows[0]!
    assert.deepEqual(rest, {
      username: 'anna',
      lastName: 'Παπαδοπούλου',
      firstName: 'Δήμητρα',
      department: 'Τμήμα Πληροφορικής',
      registrationNumber: '20250113',
      expiresAt: '2026-12-22 14:05',
    })
    assert.match(passphrase!, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/)
    for (const row of rows) assert.equal(await redeem(row.username!, row.passphrase!), 'done')
    assert.equal(printed.err, 'passphrases issued: 3; nobody was left out\n')
    assert.equal(audited.length, 3)
    assert.ok(!JSON.stringify(audited).includes(passphrase!))
  })

  it('goes over more people than it holds at a time, each once', async () => {
    const count = 1203
    const ids = Array.from({ length: count }, (_, index) => String(index).padStart(32, '0'))
    const role = { source: 'sis', role: 'student', status: 'active' }
    const name = { el: 'Συνθετικός', en: 'Synthetic' }
    await people().insertMany(
      ids.map((_id) => ({
        _id,
        firstName: name,
        lastName: name,
        username: `s${_id.slice(-10)}`,
        roles: [{ ...role, sourceId: _id }],
        records: [{ key: `sis:${_id}` }],
        nationalNumbers: [{ country: 'GR', hmac: _id, sealed: 'synthetic' }],
        version: _id,
      })) as never,
    )
    await accounts().insertMany(
      ids.map((_id) => ({ _id, username: `s${_id.slice(-10)}`, state: 'pending' })) as never,
    )
    const rows = readCsv((await recoveryCode('--all-pending', '--csv')).out)
    assert.equal(new Set(rows.map(({ username }) => username)).size, count)
    assert.equal(new Set(rows.map(({ passphrase }) => passphrase)).size, count)
    const stored = await accounts().find({}).toArray()
    assert.ok(stored.every(({ recoveryCode }) => recoveryCode?.triesLeft === 5))
  })

  it('takes only the department and the role that are asked for', async () => {
    await addPending('informatics')
    await addPending('physics', { role: { departmentCode: '202' } })
    await addPending('teacher', { role: { role: 'faculty', departmentCode: '202' } })
    const names = async (...args: string[]) =>
      readCsv((await recoveryCode('--all-pending', '--csv', ...args)).out).map(
        ({ username }) => username,
      )
    assert.deepEqual(await names('--department', '202'), ['physics', 'teacher'])
    assert.deepEqual(await names('--department', '202', '--role', 'staff'), ['teacher'])
    assert.deepEqual(await names('--role', 'student'), ['informatics', 'physics'])
    assert.deepEqual(await names('--department', 'none'), [])
  })

  it('says how many it left out and why', async () => {
    await addPending('fine')
    await addPending('ended', { role: { status: 'ended' } })
    await addPending('over', { role: { validTo: '2026-11-21' } })
    await addPending('expired', { account: { expiresAt: new Date('2026-11-01') } })
    const { person } = await addPerson()
    await accounts().deleteOne({ _id: person._id })
    const printed = await recoveryCode('--all-pending', '--csv')
    assert.deepEqual(
      readCsv(printed.out).map(({ username }) => username),
      ['fine'],
    )
    assert.equal(
      printed.err,
      [
        'passphrases issued: 1; left out:',
        '  1 have no username, so no account',
        '  2 have no role left to activate',
        '  1 have an account that expired',
        '',
      ].join('\n'),
    )
  })

  it('voids what it printed before, unless it is told to leave good ones alone', async () => {
    await addPending('anna')
    const [first] = readCsv((await recoveryCode('--all-pending', '--csv')).out)
    await addPending('babis')
    const kept = await recoveryCode('--all-pending', '--csv', '--only-without')
    assert.deepEqual(
      readCsv(kept.out).map(({ username }) => username),
      ['babis'],
    )
    assert.match(kept.err, /1 hold a passphrase that is still good/)
    const again = readCsv((await recoveryCode('--all-pending', '--csv')).out)
    assert.equal(await redeem('anna', first!.passphrase!), 'refused')
    assert.equal(await redeem('anna', again[0]!.passphrase!), 'done')
  })

  it('gives a spreadsheet nothing to run, and quotes what the table needs', async () => {
    const names = ['=1+1', '+30', '-2', '@SUM(A1)', 'Ο "Νίκος", Α.', '\t=1']
    for (const [index, lastName] of names.entries()) await addPending(`user${index}`, { lastName })
    const rows = readCsv((await recoveryCode('--all-pending', '--csv')).out)
    assert.deepEqual(
      rows.map(({ lastName }) => lastName),
      ["'=1+1", "'+30", "'-2", "'@SUM(A1)", 'Ο "Νίκος", Α.', "'\t=1"],
    )
  })

  it('begins with a byte order mark when asked, and gives one object a line as JSON', async () => {
    await addPending('anna')
    const bom = (await recoveryCode('--all-pending', '--csv', '--bom')).out
    assert.ok(bom.startsWith('\uFEFFusername,'))
    const json = JSON.parse((await recoveryCode('--all-pending', '--json')).out)
    assert.equal(json.username, 'anna')
    assert.equal(await redeem('anna', json.passphrase), 'done')
  })
})
