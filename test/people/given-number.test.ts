import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { giveNationalNumber } from '../../src/people/given-number.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import {
  accounts,
  findAccountByUsername,
  findPerson,
  people,
  preparePeopleStore,
} from '../../src/people/people-store.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { useStore } from '../support/store.ts'
import { asRead, fixedSecrets, makeAmka, studentRow } from './support.ts'

const secrets = fixedSecrets()
const amka = makeAmka('2003-05-17', 4321)
const number = sealNationalNumber(secrets, 'GR', amka)
const withoutNumber = studentRow({ amka: '', username: 'first' })
const second = studentRow({ amka: '', sourceId: '2', username: 'second' })
let personId: string

useStore()
beforeEach(async () => {
  await preparePeopleStore()
  await people().deleteMany({})
  await accounts().deleteMany({})
  await importRows([withoutNumber, second])
  personId = await idOf('first')
})

const importRows = (rows: RegistryRow[]) =>
  importRegistry(asRead(rows), { secrets, scope: 'uni.example.gr' })
const idOf = async (username: string) => (await findAccountByUsername(username))?._id as string
const numbersOf = async (id: string) =>
  (await findPerson(id))?.nationalNumbers.map(({ country, hmac }) => `${country} ${hmac}`)

describe('a national number that a person gives', () => {
  it('goes to a record that has none, with a new version for the import to notice', async () => {
    const before = await people().findOne({ _id: personId })
    assert.equal(await giveNationalNumber(personId, number), 'given')
    const after = await people().findOne({ _id: personId })
    assert.deepEqual(after?.nationalNumbers, [number])
    assert.match(after?.version ?? '', /^[0-9a-f]{16}$/)
    assert.notEqual(after?.version, before?.version)
  })

  it('is the person’s word alone until a source names it', async () => {
    await giveNationalNumber(personId, { ...number, isClaimed: true })
    assert.equal((await findPerson(personId))?.nationalNumbers[0]?.isClaimed, true)
    await importRows([withoutNumber])
    assert.equal((await findPerson(personId))?.nationalNumbers[0]?.isClaimed, true)
    await importRows([{ ...withoutNumber, amka }])
    assert.deepEqual((await findPerson(personId))?.nationalNumbers, [number])
  })

  it('is known when it is given again', async () => {
    await giveNationalNumber(personId, number)
    assert.equal(
      await giveNationalNumber(personId, sealNationalNumber(secrets, 'GR', amka)),
      'known',
    )
    assert.equal((await numbersOf(personId))?.length, 1)
  })

  it('is taken when a record or another person has it', async () => {
    await importRows([studentRow({ sourceId: '3', username: 'third' })])
    assert.equal(await giveNationalNumber(personId, number), 'taken')
    assert.deepEqual(await numbersOf(personId), [])
  })

  it('goes to one of two people who give it at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const contested = sealNationalNumber(secrets, 'GR', makeAmka('2003-05-17', round))
      await people().updateMany({}, { $unset: { nationalNumbers: '' } })
      const ids = [personId, await idOf('second')]
      const outcomes = await Promise.all(ids.map((id) => giveNationalNumber(id, contested)))
      assert.deepEqual(outcomes.sort(), ['given', 'taken'])
      assert.equal(await people().countDocuments({ 'nationalNumbers.hmac': contested.hmac }), 1)
    }
  })

  it('stands once when the person gives it in two windows at the same time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => giveNationalNumber(personId, number)),
    )
    assert.deepEqual(outcomes.sort(), ['given', 'known', 'known', 'known', 'known'])
    assert.equal((await numbersOf(personId))?.length, 1)
  })

  it('does not come beside another of the same country that a source has named meanwhile', async () => {
    await importRows([{ ...withoutNumber, amka: makeAmka('2003-05-17', 9) }])
    await assert.rejects(giveNationalNumber(personId, number), {
      code: 'ACTIVATION_RECORD_CHANGED',
      status: 409,
    })
    assert.equal((await numbersOf(personId))?.length, 1)
  })

  it('comes beside one of another country', async () => {
    await giveNationalNumber(personId, sealNationalNumber(secrets, 'DE', '12030299A123'))
    assert.equal(await giveNationalNumber(personId, number), 'given')
    assert.equal((await numbersOf(personId))?.length, 2)
  })

  it('is refused for a person who is gone', async () => {
    await assert.rejects(giveNationalNumber('0'.repeat(32), number), {
      code: 'ACTIVATION_RECORD_CHANGED',
    })
  })
})

describe('a national number that a person gave, at the next import', () => {
  beforeEach(() => giveNationalNumber(personId, number))

  it('stays when the record still lacks it, which is no change', async () => {
    const report = await importRows([withoutNumber])
    assert.equal(report.unchanged, 1)
    assert.deepEqual(await numbersOf(personId), [`GR ${number.hmac}`])
  })

  it('stays when the record brings other news', async () => {
    const report = await importRows([{ ...withoutNumber, mobile: '6900000099' }])
    assert.equal(report.changed, 1)
    assert.deepEqual(await numbersOf(personId), [`GR ${number.hmac}`])
  })

  it('stands once when the record now names it too', async () => {
    const report = await importRows([{ ...withoutNumber, amka }])
    assert.equal(report.rejected, 0)
    assert.deepEqual(await numbersOf(personId), [`GR ${number.hmac}`])
    assert.equal((await importRows([{ ...withoutNumber, amka }])).unchanged, 1)
  })

  it("joins the person's record in another source", async () => {
    const row = studentRow({ source: 'hr', sourceId: 'E1', role: 'staff', username: '', amka })
    const report = await importRows([row])
    assert.equal(report.peopleCreated, 0)
    assert.equal((await findPerson(personId))?.roles.length, 2)
  })

  it('joins no record of somebody else: whoever claimed it would become that person', async () => {
    const row = studentRow({ source: 'hr', sourceId: 'E1', role: 'staff', username: '', amka })
    const others = [
      { ...row, firstNameEl: 'Θεανώ', lastNameEl: 'Συνθετικού' },
      { ...row, amka: '', ssnCountry: 'DE', ssn: '12030299A123', birthDate: '1970-01-02' },
    ]
    await giveNationalNumber(personId, sealNationalNumber(secrets, 'DE', '12030299A123'))
    for (const other of others) {
      const report = await importRows([other])
      assert.deepEqual([report.rejected, report.peopleCreated], [1, 0])
      const person = await findPerson(personId)
      assert.equal(person?.roles.length, 1)
      assert.equal(person?.lastName.el, 'Παπαδοπούλου')
    }
    // Another surname alone may be a marriage.
    assert.equal((await importRows([{ ...row, lastNameEl: 'Συνθετικού' }])).rejected, 0)
    // What a source names counts as before.
    assert.equal((await importRows([others[0] as RegistryRow])).rejected, 0)
  })

  it('survives imports that run at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      await people().updateOne({ _id: personId }, { $unset: { nationalNumbers: '' } })
      const [outcome, report] = await Promise.all([
        giveNationalNumber(personId, number),
        importRows([{ ...withoutNumber, mobile: `69000001${round}0` }]),
      ])
      assert.equal(outcome, 'given')
      assert.equal(report.changed, 1)
      const person = await findPerson(personId)
      assert.equal(person?.nationalNumbers.length, 1)
      assert.equal(person?.roles[0]?.mobile, `+3069000001${round}0`)
    }
  })
})
