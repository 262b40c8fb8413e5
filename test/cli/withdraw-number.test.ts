import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { accountCommand } from '../../src/cli/account.ts'
import { giveNationalNumber } from '../../src/people/given-number.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { accounts, findAccountByUsername, findPerson } from '../../src/people/people-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'
import { takeOutput } from './support.ts'

describe('propylaia account withdraw-number', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({})
  })
  after(() => app.close())

  const run = (...args: string[]) =>
    takeOutput(() => accountCommand(app.context as never, ['withdraw-number', ...args]))
  const because = ['--reason', 'it is her sister’s'] as const

  /** Somebody whose record has no AMKA, and who gave one. */
  async function giver({ isConfirmed = false } = {}) {
    const row = studentRow({ amka: '', birthDate: '2007-03-12' })
    await importRows(app, { ...row, amka: '' })
    const account = await findAccountByUsername(row.username ?? '')
    assert.ok(account)
    const amka = syntheticAmka('2007-03-12')
    const number = sealNationalNumber(app.context.secrets, 'GR', amka)
    const given = isConfirmed ? number : { ...number, isClaimed: true as const }
    assert.equal(await giveNationalNumber(account._id, given), 'given')
    if (isConfirmed) {
      await accounts().updateOne({ _id: account._id }, {
        $set: { activation: { way: 'pin', numberCheckedBy: 'national' } },
      } as never)
    }
    return { username: account.username, personId: account._id, number, amka }
  }

  it('takes away what the person claimed, so that its owner can give it', async () => {
    const { username, personId, number, amka } = await giver()
    const other = await giver()
    assert.equal((await run(username, 'GR', ...because)).code, 0)
    assert.deepEqual((await findPerson(personId))?.nationalNumbers, [])
    await run(other.username, 'GR', ...because)
    assert.equal(await giveNationalNumber(other.personId, number), 'given')
    const again = await run(username, 'GR', ...because)
    assert.equal(again.code, 1)
    assert.match(again.err, /has no number of GR/)
    assert.ok(!again.err.includes(amka))
  })

  it('says what it means for the AcademicID, and lets the confirmation go with the number', async () => {
    const claimed = await giver()
    assert.match((await run(claimed.username, 'GR', ...because)).out, /led to no AcademicID/)
    const confirmed = await giver({ isConfirmed: true })
    const { out } = await run(confirmed.username, 'GR', ...because)
    assert.match(out, /still knows the number under that id/)
    assert.ok(!out.includes(confirmed.amka))
    const account = await findAccountByUsername(confirmed.username)
    assert.equal(account?.activation?.numberCheckedBy, undefined)
    assert.equal(account?.activation?.way, 'pin')
  })

  it('leaves a number that a source names: the next import would bring it back', async () => {
    const row = studentRow()
    await importRows(app, row)
    const account = await findAccountByUsername(row.username ?? '')
    const { code, err } = await run(row.username ?? '', 'GR', ...because)
    assert.equal(code, 1)
    assert.match(err, /a source names this number \(sis/)
    assert.equal((await findPerson(account?._id ?? ''))?.nationalNumbers.length, 1)
  })

  it('wants a reason, and a country', async () => {
    const { username } = await giver()
    assert.equal((await run(username, 'GR')).code, 2)
    assert.equal((await run(username, 'Greece', ...because)).code, 2)
    assert.equal((await run('nobody-at-all', 'GR', ...because)).code, 1)
  })
})
