import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { releaseAccount, stopAccount } from '../../src/people/account-state.ts'
import { completeActivation } from '../../src/people/activation.ts'
import {
  accounts,
  findAccount,
  findAccountByUsername,
  findPerson,
  normalizeUsername,
  people,
  preparePeopleStore,
  updatePasswordHash,
} from '../../src/people/people-store.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import { assignUsername } from '../../src/people/username-assignment.ts'
import { useStore } from '../support/store.ts'
import { asRead, fixedSecrets, studentRow } from './support.ts'

useStore()
const options = { secrets: fixedSecrets(), scope: 'uni.example.gr' }
const now = new Date('2026-10-01T08:00:00Z')
let personId: string

beforeEach(async () => {
  await preparePeopleStore()
  await people().deleteMany({})
  await accounts().deleteMany({})
  await importRegistry(asRead([studentRow()]), options)
  personId = (await findAccountByUsername('dpapadopoulou'))?._id as string
})

describe('people and accounts in the store', () => {
  it('are found by username as people type it, and by id', async () => {
    assert.equal(normalizeUsername(' DPapadopoulou '), 'dpapadopoulou')
    assert.equal((await findAccount(personId))?.username, 'dpapadopoulou')
    assert.equal(await findAccountByUsername('nobody'), null)
    assert.equal(await findPerson('0'.repeat(32)), null)
  })

  it('give an empty list of numbers for a person without one', async () => {
    await importRegistry(
      asRead([studentRow({ sourceId: '2', username: 'other', amka: '' })]),
      options,
    )
    const account = await findAccountByUsername('other')
    assert.deepEqual((await findPerson(account?._id as string))?.nationalNumbers, [])
  })

  it('allow any number of people without username or national number', async () => {
    const rows = [1, 2, 3].map((id) => studentRow({ sourceId: `n${id}`, username: '', amka: '' }))
    const report = await importRegistry(asRead(rows), options)
    assert.equal(report.peopleCreated, 3)
  })

  it('take a renewed hash only in place of the one it was made from', async () => {
    await accounts().updateOne({ _id: personId }, { $set: { passwordHash: 'old' } })
    assert.equal(await updatePasswordHash(personId, 'other', 'new'), false)
    assert.equal(await updatePasswordHash(personId, 'old', 'new'), true)
    assert.equal((await findAccount(personId))?.passwordHash, 'new')
  })

  it('never hold one username twice', async () => {
    await assert.rejects(
      accounts().insertOne({ _id: 'x', username: 'dpapadopoulou', state: 'pending' }),
      { code: 11_000 },
    )
  })
})

describe('states of an account', () => {
  it('lock only what is active, disable anything, and come back to where they were', async () => {
    assert.equal(await stopAccount(personId, 'locked', undefined), false)
    assert.equal(await stopAccount(personId, 'disabled', 'left'), true)
    assert.equal((await findAccount(personId))?.stateReason, 'left')
    const account = async () => (await findAccount(personId))!
    assert.equal(await releaseAccount(await account(), 'locked'), undefined)
    assert.equal(await releaseAccount(await account(), 'disabled'), 'pending')
    assert.equal((await account()).stateReason, undefined)
    const activation = { way: 'administrator' } as const
    const facts = { username: 'dpapadopoulou', passwordHash: 'hash', activation }
    assert.equal(await completeActivation(personId, facts, now), 'done')
    assert.equal(await stopAccount(personId, 'locked', undefined), true)
    assert.equal(await stopAccount(personId, 'disabled', undefined), true)
    assert.equal(await releaseAccount(await account(), 'disabled'), 'active')
  })
})

describe('a username given by hand', () => {
  it('goes to a person of the registry who has none, once, and stays over the next import', async () => {
    const row = studentRow({ sourceId: '2', username: '', amka: '' })
    await importRegistry(asRead([row]), options)
    assert.equal(await assignUsername('sis:2', 'given'), undefined)
    assert.match((await assignUsername('sis:2', 'again')) ?? '', /has the account "given"/)
    const report = await importRegistry(asRead([row]), options)
    assert.equal(report.unchanged, 1)
    assert.equal((await findAccountByUsername('given'))?.state, 'pending')
  })

  it('is refused when it is taken or the record is not known', async () => {
    const row = studentRow({ sourceId: '2', username: '', amka: '' })
    await importRegistry(asRead([row]), options)
    assert.match((await assignUsername('sis:2', 'dpapadopoulou')) ?? '', /another person/)
    assert.match((await assignUsername('sis:9', 'given')) ?? '', /no record/)
  })
})
