import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pino from 'pino'
import { demoAccounts, demoRegistryCsv, demoRegistryRows, importDemo } from '../../demo/people.ts'
import type { Config } from '../../src/config.ts'
import { verifyPassword } from '../../src/login/password.ts'
import { accountStanding } from '../../src/people/account.ts'
import {
  accounts,
  findAccountByUsername,
  findPerson,
  people,
} from '../../src/people/people-store.ts'
import { checkRegistryRow } from '../../src/people/registry-row.ts'
import { fixedSecrets } from '../people/support.ts'
import { useStore } from '../support/store.ts'

const rows = demoRegistryRows()

describe('the synthetic people of the demo', () => {
  it('are the same every time and pass every check of the registry', () => {
    assert.deepEqual(demoRegistryRows(), rows)
    for (const row of rows) {
      const checked = checkRegistryRow(row, { scope: 'uni.example.gr', today: '2026-11-21' })
      assert.deepEqual(checked.problems, undefined)
    }
    assert.equal(demoRegistryCsv().trimEnd().split('\n').length, rows.length + 1)
  })

  it('have AMKA of their own whose tenth digit tells the sex, and reach nobody real', () => {
    const sexOf = new Map(rows.flatMap((row) => (row.amka ? [[row.amka, row.gender]] : [])))
    for (const [amka, gender] of sexOf) {
      assert.equal(Number(amka?.[9]) % 2 === 1, gender === '1', amka)
    }
    for (const row of rows) {
      assert.match(row.mobile ?? '', /^\+30690000\d{4}$/)
      assert.match(row.email ?? '', /@example\.org$/)
    }
  })

  it('have one graduate with a degree among those who sign in', () => {
    const graduates = rows.filter((row) => row.graduatedOn)
    assert.deepEqual(
      graduates.map(({ username, status }) => [username, status]),
      [['lalexiou', 'ended']],
    )
  })

  it('cover every role, state, degree and gap', () => {
    const values = (column: 'role' | 'status' | 'degreeLevel' | 'source') =>
      new Set(rows.map((row) => row[column]))
    assert.deepEqual(values('role'), new Set(['student', 'faculty', 'staff', 'affiliate']))
    assert.deepEqual(values('status'), new Set(['active', 'suspended', 'ended']))
    for (const level of ['bachelor', 'integrated-master', 'master', 'doctorate']) {
      assert.ok(values('degreeLevel').has(level))
    }
    assert.ok(rows.some((row) => !row.username))
    assert.ok(rows.some((row) => !row.birthDate))
    assert.ok(rows.some((row) => !row.amka && !row.ssn))
    assert.ok(rows.some((row) => row.ssnCountry && row.ssn))
    const mobiles = rows.map((row) => row.mobile)
    assert.ok(new Set(mobiles).size < new Set(rows.map((row) => row.email)).size)
  })
})

describe('the import of the demo', () => {
  useStore()
  const context = {
    config: { scope: 'uni.example.gr' } as Config,
    secrets: fixedSecrets(),
    now: () => new Date('2026-11-21T10:00:00Z'),
    log: pino({ level: 'silent' }),
  }

  it('makes some 200 people and the named accounts in their states, and keeps what was changed since', async () => {
    await importDemo(context)
    const count = await people().countDocuments()
    assert.ok(count >= 200 && count <= 250, String(count))
    for (const { username, password, state, name } of demoAccounts) {
      const account = await findAccountByUsername(username)
      assert.ok(account, username)
      assert.equal(accountStanding(account, context.now()), state)
      // Whoever tries the demo can recover a forgotten password.
      assert.equal(account.email !== undefined, state !== 'pending', username)
      assert.equal(account.emailConsentAt !== undefined, state !== 'pending', username)
      assert.ok((await verifyPassword(password, account.passwordHash)).ok)
      const person = await findPerson(account._id)
      assert.equal(`${person?.firstName.el} ${person?.lastName.el}`, name.el)
    }
    await accounts().updateOne({ username: 'dpapadopoulou' }, { $set: { passwordHash: 'changed' } })
    await people().updateOne({ username: 'dpapadopoulou' }, { $set: { fatherName: 'Άλλος' } })
    const before = await people().find().sort({ _id: 1 }).toArray()
    await importDemo(context)
    assert.equal((await findAccountByUsername('dpapadopoulou'))?.passwordHash, 'changed')
    assert.deepEqual(await people().find().sort({ _id: 1 }).toArray(), before)
  })

  it('leaves one role of the account with two of them to be activated', async () => {
    const account = await findAccountByUsername('astavropoulou')
    assert.deepEqual(account?.activatedRoles, ['student'])
    const person = await findPerson(account?._id ?? '')
    assert.deepEqual(person?.roles.map(({ role }) => role).sort(), ['staff', 'student'])
  })

  it('finishes a first start that was cut off', async () => {
    const cutOff = [demoAccounts[0], demoAccounts.at(-1)].filter((account) => account !== undefined)
    await accounts().deleteMany({ username: { $in: cutOff.map(({ username }) => username) } })
    await importDemo(context)
    for (const { username, password } of cutOff) {
      const account = await findAccountByUsername(username)
      assert.ok((await verifyPassword(password, account?.passwordHash)).ok, username)
    }
  })
})
