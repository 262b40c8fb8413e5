import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { embeddedRegistry } from '../../src/amka-registry/embedded-registry.ts'
import { people, preparePeopleStore } from '../../src/people/people-store.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import { asRead, fixedSecrets, makeAmka, studentRow } from '../people/support.ts'
import { useStore } from '../support/store.ts'

const secrets = fixedSecrets()
const registry = embeddedRegistry(secrets)
const known = makeAmka('2003-05-17', 4321)
const given = makeAmka('1999-02-03', 77)

useStore()
before(async () => {
  await preparePeopleStore()
  const rows = [
    studentRow({ lastNameEl: 'Παπαδοπούλου-Νικολάου', lastNameEn: 'Papadopoulou Nikolaou' }),
    studentRow({
      sourceId: '2',
      username: 'nonumber',
      amka: '',
      lastNameEl: 'Γεωργίου',
      birthDate: '1999-02-03',
    }),
    studentRow({
      sourceId: '3',
      username: 'foreign',
      amka: '',
      ssnCountry: 'DE',
      ssn: '12030299A123',
      lastNameEl: 'Ξένος',
      birthDate: '1999-02-03',
    }),
  ]
  await importRegistry(asRead(rows), { secrets, scope: 'uni.example.gr' })
})

const check = (amka: string, familyName: string, birthDate: string) =>
  registry.check({ amka, familyName, birthDate })

describe('the embedded AMKA registry, for a number that a record holds', () => {
  it('matches surname and birth date, however the surname is written', async () => {
    for (const name of [
      'Παπαδοπούλου-Νικολάου',
      'ΠΑΠΑΔΟΠΟΥΛΟΥ ΝΙΚΟΛΑΟΥ',
      'παπαδοπουλου–νικολαου',
      ' Παπαδοπούλου  Νικολάου ',
      'PAPADOPOULOU-NIKOLAOU',
      'Παπαδοπούλου-Νικολάου'.normalize('NFD'),
    ]) {
      assert.equal(await check(known, name, '2003-05-17'), 'match', name)
    }
  })

  it('says mismatch for another surname or birth date', async () => {
    assert.equal(await check(known, 'Παπαδοπούλου', '2003-05-17'), 'mismatch')
    assert.equal(await check(known, 'Παπαδοπούλου-Νικολάου', '2003-05-18'), 'mismatch')
    assert.equal(await check(known, '', '2003-05-17'), 'mismatch')
    assert.equal(await check(known, '123', '2003-05-17'), 'mismatch')
  })
})

describe('the embedded AMKA registry, for a number that no record holds', () => {
  it('matches a well-formed one that goes with a recorded person who has none', async () => {
    assert.equal(await check(given, 'ΓΕΩΡΓΙΟΥ', '1999-02-03'), 'match')
    assert.equal(await check(given, 'Ξένος', '1999-02-03'), 'match')
  })

  it('says unknown when the date in it is another, its check digit is wrong or it is no AMKA', async () => {
    const wrongDigit = given.slice(0, 10) + ((Number(given[10]) + 1) % 10)
    for (const amka of [makeAmka('1999-02-04', 77), wrongDigit, '1', `${given} `]) {
      assert.equal(await check(amka, 'Γεωργίου', '1999-02-03'), 'unknown', amka)
    }
  })

  it('says unknown for somebody who is not recorded, or has another AMKA', async () => {
    assert.equal(await check(given, 'Άλλος', '1999-02-03'), 'unknown')
    const other = makeAmka('2003-05-17', 99)
    assert.equal(await check(other, 'Παπαδοπούλου-Νικολάου', '2003-05-17'), 'unknown')
  })

  it('finds people by birth date over an index', async () => {
    const plan = await people().find({ birthDate: '1999-02-03' }).explain('executionStats')
    assert.equal(plan.executionStats.totalDocsExamined, 2)
  })
})
