import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openNationalNumber } from '../../src/people/national-number.ts'
import {
  accounts,
  findAccountByUsername,
  findPerson,
  people,
  preparePeopleStore,
} from '../../src/people/people-store.ts'
import type { StoredPerson } from '../../src/people/person-model.ts'
import {
  type ChangedRow,
  type ImportOptions,
  importRegistry,
  type RejectedRow,
} from '../../src/people/registry-import.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { useStore } from '../support/store.ts'
import { asRead, fixedSecrets, makeAmka, seededRandom, studentRow } from './support.ts'

useStore()
const secrets = fixedSecrets()
const firstDay = new Date('2026-10-01T08:00:00Z')
const nextDay = new Date('2026-10-02T08:00:00Z')

let rejected: RejectedRow[]
let changed: ChangedRow[]

beforeEach(async () => {
  await preparePeopleStore()
  rejected = []
  changed = []
})
afterEach(async () => {
  await people().deleteMany({})
  await accounts().deleteMany({})
})

function importRows(rows: readonly RegistryRow[], options: Partial<ImportOptions> = {}) {
  rejected = []
  changed = []
  return importRegistry(asRead(rows), {
    secrets,
    scope: 'uni.example.gr',
    now: () => firstDay,
    onRejected: (row) => rejected.push(row),
    onChanged: (row) => changed.push(row),
    ...options,
  })
}

const reasons = () => rejected.map(({ line, problems }) => [line, problems[0]?.reason])

async function theOnlyPerson(): Promise<StoredPerson> {
  const all = await people().find().toArray()
  assert.equal(all.length, 1)
  return all[0] as StoredPerson
}

/** A record of a person without number: joined by nothing but its key. */
const unnumbered = (changes: RegistryRow = {}) => studentRow({ amka: '', ...changes })
const staffRow = (changes: RegistryRow = {}) =>
  studentRow({ source: 'hr', sourceId: 'E1', role: 'staff', ...changes })

describe('registry import: an upsert on (source, sourceId)', () => {
  it('creates person and pending account, without a password', async () => {
    const report = await importRows([studentRow()])
    assert.deepEqual(report, {
      rows: 1,
      created: 1,
      changed: 0,
      unchanged: 0,
      rejected: 0,
      peopleCreated: 1,
      accountsCreated: 1,
    })
    const account = await findAccountByUsername('dpapadopoulou')
    assert.match(account?._id ?? '', /^[0-9a-f]{32}$/)
    assert.deepEqual(account, { _id: account?._id, username: 'dpapadopoulou', state: 'pending' })
    const person = await findPerson(account?._id as string)
    assert.deepEqual(person?.lastName, { el: 'Παπαδοπούλου', en: 'Papadopoulou' })
    assert.equal(
      openNationalNumber(secrets, person?.nationalNumbers[0] as never),
      makeAmka('2003-05-17', 4321),
    )
    assert.ok(!('records' in (person as object)))
  })

  it('changes nothing the second time', async () => {
    const rows = [studentRow(), staffRow(), unnumbered({ sourceId: '2', username: 'other' })]
    await importRows(rows)
    const before = await people().find().sort({ _id: 1 }).toArray()
    const report = await importRows(rows, { now: () => nextDay })
    assert.equal(report.unchanged, 3)
    assert.deepEqual(changed, [])
    assert.deepEqual(await people().find().sort({ _id: 1 }).toArray(), before)
  })

  it('brings new facts to a person who has activated, and leaves what the person set', async () => {
    await importRows([studentRow()])
    await accounts().updateOne(
      { username: 'dpapadopoulou' },
      { $set: { state: 'active', passwordHash: 'x', mobile: '+306900000099' } },
    )
    const report = await importRows([
      studentRow({ lastNameEl: 'Παπαδοπούλου-Νίκα', mobile: '6900000002' }),
    ])
    assert.equal(report.changed, 1)
    assert.deepEqual(changed[0]?.facts, ['lastName', 'mobile'])
    const account = await findAccountByUsername('dpapadopoulou')
    assert.equal(account?.state, 'active')
    assert.equal(account?.mobile, '+306900000099')
    const person = await findPerson(account?._id as string)
    assert.equal(person?.lastName.el, 'Παπαδοπούλου-Νίκα')
    assert.equal(person?.roles[0]?.mobile, '+306900000002')
  })

  it('forgets a fact that the source has taken back, but never a national number', async () => {
    await importRows([studentRow({ fatherNameEl: 'Ιωάννης' })])
    await importRows([studentRow({ fatherNameEl: '', amka: '', email: '' })])
    const person = await theOnlyPerson()
    assert.ok(!('fatherName' in person))
    assert.ok(!('email' in (person.roles[0] as object)))
    assert.equal(person.nationalNumbers?.length, 1)
  })

  it('keeps what services are told of studies and work, and forgets it with its source', async () => {
    const orcid = '0000-0002-1825-0097'
    await importRows([
      studentRow({ graduatedOn: '2026-07-10' }),
      staffRow({ contractType: 'permanent', position: 'archivist', orcid }),
    ])
    const [student, staff] = (await theOnlyPerson()).roles
    assert.equal(student?.graduatedOn, '2026-07-10')
    assert.deepEqual([staff?.contractType, staff?.position], ['permanent', 'archivist'])
    assert.equal((await theOnlyPerson()).orcid, orcid)
    await importRows([studentRow(), staffRow()])
    assert.deepEqual(
      changed.map(({ facts }) => facts),
      [['graduatedOn'], ['contractType', 'orcid', 'position']],
    )
    const person = await theOnlyPerson()
    assert.ok(!('orcid' in person))
    assert.ok(person.roles.every((role) => !('graduatedOn' in role) && !('position' in role)))
  })

  it('keeps a row out that gives a department another’s code, and what was there', async () => {
    const departments = {
      '1201': { name: { el: 'Πληροφορικής', en: 'Informatics' }, ministryCode: '9201' },
    }
    await importRows([studentRow({ ministryCode: '9201' })], { departments })
    await importRows([studentRow({ ministryCode: '9202' })], { departments })
    assert.deepEqual(reasons(), [[2, 'MINISTRY_CODE_CONTRADICTS_DEPARTMENT']])
    assert.equal((await theOnlyPerson()).roles[0]?.ministryCode, '9201')
  })

  it('notes when a role was suspended or ended, and when it came back', async () => {
    await importRows([studentRow()])
    assert.equal((await theOnlyPerson()).roles[0]?.statusChangedAt, undefined)
    await importRows([studentRow({ status: 'ended' })], { now: () => nextDay })
    const ended = (await theOnlyPerson()).roles[0]
    assert.equal(ended?.status, 'ended')
    assert.deepEqual(ended?.statusChangedAt, nextDay)
    await importRows([studentRow({ status: 'ended', departmentCode: '9' })])
    assert.deepEqual((await theOnlyPerson()).roles[0]?.statusChangedAt, nextDay)
    await importRows([studentRow()])
    assert.deepEqual((await theOnlyPerson()).roles[0]?.statusChangedAt, firstDay)
  })

  it('replaces a corrected AMKA', async () => {
    await importRows([studentRow()])
    const corrected = makeAmka('2003-05-17', 9999)
    await importRows([studentRow({ amka: corrected })])
    const { nationalNumbers } = await theOnlyPerson()
    assert.deepEqual(
      nationalNumbers?.map((entry) => openNationalNumber(secrets, entry)),
      [corrected],
    )
  })

  it('makes no account without a username, and makes it once there is one', async () => {
    await importRows([studentRow({ username: '' })])
    assert.equal(await accounts().countDocuments(), 0)
    const report = await importRows([studentRow()])
    assert.equal(report.accountsCreated, 1)
  })

  it('finishes what was cut off between person and account', async () => {
    await importRows([studentRow()])
    await accounts().deleteMany({})
    const report = await importRows([studentRow()])
    assert.equal(report.unchanged, 1)
    assert.equal(report.accountsCreated, 1)
    assert.equal((await findAccountByUsername('dpapadopoulou'))?._id, (await theOnlyPerson())._id)
  })
})

describe('registry import: rows of the same person', () => {
  it('are joined by national number, inside one file and across files', async () => {
    await importRows([studentRow(), staffRow()])
    await importRows([studentRow({ source: 'affiliates', sourceId: 'A1', role: 'affiliate' })])
    assert.deepEqual(
      (await theOnlyPerson()).roles.map(({ role }) => role),
      ['student', 'staff', 'affiliate'],
    )
  })

  it('are joined by the number of another country, told from the same digits elsewhere', async () => {
    const foreign = (changes: RegistryRow) =>
      studentRow({ amka: '', citizenship: 'DE', ssnCountry: 'DE', ssn: '12345678', ...changes })
    await importRows([
      foreign({}),
      foreign({ source: 'hr', role: 'staff' }),
      foreign({ sourceId: '3', ssnCountry: 'FR', username: 'french' }),
    ])
    assert.equal(await people().countDocuments(), 2)
  })

  it('stay apart when no number joins them', async () => {
    await importRows([unnumbered(), unnumbered({ source: 'hr', username: '', role: 'staff' })])
    assert.equal(await people().countDocuments(), 2)
  })

  it('give the same person in whatever order they come: HR goes before students, running before ended', async () => {
    const rows = [
      studentRow({ fatherNameEl: 'Ιωάννης', lastNameEl: 'Παπαδοπούλου' }),
      staffRow({ lastNameEl: 'Νίκα', afm: '094259216' }),
    ]
    for (const order of [rows, rows.toReversed()]) {
      await importRows(order)
      const person = await theOnlyPerson()
      assert.equal(person.lastName.el, 'Νίκα')
      assert.equal(person.fatherName, 'Ιωάννης')
      assert.ok(person.taxNumber)
      await people().deleteMany({})
      await accounts().deleteMany({})
    }
    await importRows([rows[0] as RegistryRow, staffRow({ lastNameEl: 'Νίκα', status: 'ended' })])
    assert.equal((await theOnlyPerson()).lastName.el, 'Παπαδοπούλου')
  })

  it('joined later by a number that both have are left to a human', async () => {
    await importRows([staffRow(), unnumbered({ username: 'second' })])
    const report = await importRows([studentRow({ username: 'second' })])
    assert.equal(report.rejected, 1)
    assert.deepEqual(reasons(), [[2, 'NUMBER_OF_ANOTHER_PERSON']])
    assert.equal(await people().countDocuments(), 2)
  })

  it('are not joined over two numbers that belong to two people', async () => {
    await importRows([
      staffRow(),
      studentRow({ amka: '', ssnCountry: 'DE', ssn: '12345678', username: 'second' }),
    ])
    await importRows([
      studentRow({ sourceId: '3', username: '', ssnCountry: 'DE', ssn: '12345678' }),
    ])
    assert.deepEqual(reasons(), [[2, 'NUMBERS_OF_DIFFERENT_PEOPLE']])
  })
})

describe('registry import: usernames', () => {
  it('of one person are not given to another, in one file or later', async () => {
    const other = unnumbered({ sourceId: '2', firstNameEl: 'Άλλη' })
    await importRows([studentRow(), other])
    assert.deepEqual(reasons(), [[3, 'USERNAME_OF_ANOTHER_PERSON']])
    await importRows([other])
    assert.deepEqual(reasons(), [[2, 'USERNAME_OF_ANOTHER_PERSON']])
    assert.equal((await theOnlyPerson()).roles.length, 1)
  })

  it('are one a person, whatever the role', async () => {
    await importRows([studentRow(), staffRow({ username: 'second' })])
    assert.deepEqual(reasons(), [[3, 'USERNAME_DIFFERS_FROM_OTHER_RECORD']])
    await importRows([staffRow({ username: '' })])
    assert.equal((await theOnlyPerson()).roles.length, 2)
  })

  it('follow the source while the account is pending', async () => {
    await importRows([studentRow()])
    await importRows([studentRow({ username: 'corrected' })])
    assert.equal((await findAccountByUsername('corrected'))?.state, 'pending')
    assert.equal(await findAccountByUsername('dpapadopoulou'), null)
  })

  it('stay once the account is activated', async () => {
    await importRows([studentRow()])
    await accounts().updateOne({ username: 'dpapadopoulou' }, { $set: { state: 'active' } })
    await importRows([studentRow({ username: 'corrected', email: 'new@example.org' })])
    assert.deepEqual(reasons(), [[2, 'USERNAME_OF_ACTIVATED_ACCOUNT']])
    assert.ok(await findAccountByUsername('dpapadopoulou'))
    assert.equal((await theOnlyPerson()).roles[0]?.email, 'dimitra@example.org')
  })

  it('and accounts do not pass to whoever gets a used sourceId', async () => {
    await importRows([studentRow()])
    const stranger = {
      amka: makeAmka('1999-01-02', 7),
      birthDate: '1999-01-02',
      firstNameEl: 'Άλλος',
      lastNameEl: 'Άνθρωπος',
    }
    await importRows([studentRow(stranger)])
    assert.deepEqual(reasons(), [[2, 'SOURCE_ID_OF_ANOTHER_PERSON']])
    await importRows([studentRow({ ...stranger, amka: '' })])
    assert.deepEqual(reasons(), [[2, 'SOURCE_ID_OF_ANOTHER_PERSON']])
  })
})

describe('registry import: rejected rows', () => {
  it('are reported with line, column, value and reason, change nothing, and hold nobody up', async () => {
    await importRows([studentRow()])
    const report = await importRows([
      studentRow({ email: 'x', lastNameEl: 'Νίκα', afm: '123456781' }),
      unnumbered({ sourceId: '2', username: 'second' }),
    ])
    assert.deepEqual(report, {
      rows: 2,
      created: 1,
      changed: 0,
      unchanged: 0,
      rejected: 1,
      peopleCreated: 1,
      accountsCreated: 1,
    })
    assert.deepEqual(rejected, [
      {
        line: 2,
        source: 'sis',
        sourceId: '1001',
        problems: [
          { column: 'afm', value: '*******81', reason: 'AFM_CHECK_DIGIT_WRONG' },
          { column: 'email', value: 'x', reason: 'EMAIL_INVALID' },
        ],
      },
    ])
    const account = await findAccountByUsername('dpapadopoulou')
    const person = await findPerson(account?._id as string)
    assert.equal(person?.lastName.el, 'Παπαδοπούλου')
  })

  it('include the second row with the same key in one file', async () => {
    await importRows([studentRow(), studentRow({ email: 'b@example.org' })])
    assert.deepEqual(reasons(), [[3, 'REPEATED_IN_FILE']])
    assert.equal(rejected[0]?.problems[0]?.firstLine, 2)
    assert.equal((await theOnlyPerson()).roles[0]?.email, 'dimitra@example.org')
  })

  it('never show a whole national number, nor does the store hold one in clear', async () => {
    const amka = makeAmka('2003-05-17', 4321)
    await importRows([
      staffRow(),
      unnumbered({ username: 'second' }),
      unnumbered({ sourceId: '7', username: amka, role: 'x' }),
    ])
    const first = rejected
    await importRows([studentRow({ username: 'second' })])
    assert.equal(first.length + rejected.length, 2)
    assert.ok(!JSON.stringify([first, rejected]).includes(amka))
    assert.ok(!JSON.stringify(await people().find().toArray()).includes(amka))
  })
})

describe('registry import --dry-run', () => {
  it('counts and names what would change, and writes nothing', async () => {
    await importRows([studentRow()])
    const before = await people().find().toArray()
    const report = await importRows(
      [studentRow({ email: 'b@example.org' }), unnumbered({ sourceId: '2', username: 'second' })],
      { dryRun: true },
    )
    assert.equal(report.created, 1)
    assert.equal(report.changed, 1)
    assert.equal(report.peopleCreated, 1)
    assert.equal(report.accountsCreated, 1)
    assert.deepEqual(
      changed.map(({ outcome, facts }) => [outcome, facts.includes('email')]),
      [
        ['changed', true],
        ['created', true],
      ],
    )
    assert.deepEqual(await people().find().toArray(), before)
    assert.equal(await accounts().countDocuments(), 1)
  })
})

describe('registry import --dry-run of a long file', () => {
  it('says the same as the import that follows', async () => {
    // 600 people, more than a batch, each with a second row far behind the first; then one
    // whose username somebody at the beginning has.
    const rows = [
      ...Array.from({ length: 1200 }, (_, index) =>
        studentRow({
          source: index < 600 ? 'sis' : 'hr',
          sourceId: `s${index % 600}`,
          amka: makeAmka('2003-05-17', index % 600),
          username: `user${index % 600}`,
        }),
      ),
      unnumbered({ sourceId: 'last', username: 'user0' }),
    ]
    const planned = await importRows(rows, { dryRun: true })
    assert.equal(await people().countDocuments(), 0)
    const plannedReasons = reasons()
    assert.deepEqual(await importRows(rows), planned)
    assert.deepEqual(reasons(), plannedReasons)
    assert.deepEqual(
      [planned.created, planned.peopleCreated, planned.accountsCreated, planned.rejected],
      [1200, 600, 600, 1],
    )
  })
})

describe('registry import --full', () => {
  const many = (count: number, changes: RegistryRow = {}) =>
    Array.from({ length: count }, (_, index) =>
      unnumbered({ sourceId: `s${index}`, username: `student${index}`, ...changes }),
    )
  const endedCount = async () =>
    (await people().find().toArray())
      .flatMap((person) => person.roles)
      .filter((role) => role.status === 'ended').length

  it('ends the roles of the source that the file lacks, and no others', async () => {
    await importRows([...many(20), staffRow({ username: '' })])
    const report = await importRows(many(20).slice(2), { full: 'sis', now: () => nextDay })
    assert.deepEqual(report.full, { source: 'sis', known: 20, missing: 2, ended: 2 })
    const { roles } = (await people().findOne({ username: 'student0' })) as StoredPerson
    assert.equal(roles[0]?.status, 'ended')
    assert.deepEqual(roles[0]?.statusChangedAt, nextDay)
    assert.equal(await endedCount(), 2)
    const again = await importRows(many(20).slice(2), { full: 'sis' })
    assert.equal(again.full?.missing, 0)
    assert.equal(again.unchanged, 18)
  })

  it('takes a person back whom a later file lists again', async () => {
    await importRows(many(20))
    await importRows(many(20).slice(1), { full: 'sis' })
    assert.equal(await endedCount(), 1)
    await importRows(many(20), { full: 'sis' })
    assert.equal(await endedCount(), 0)
  })

  it('refuses to end more than a tenth, unless forced', async () => {
    await importRows(many(20))
    const refused = await importRows(many(20).slice(3), { full: 'sis' })
    assert.equal(refused.full?.refused, 'MORE_THAN_TEN_PERCENT')
    assert.equal(await endedCount(), 0)
    const forced = await importRows(many(20).slice(3), { full: 'sis', force: true })
    assert.equal(forced.full?.ended, 3)
  })

  it('refuses a file that renumbers everybody, however many rows it creates', async () => {
    await importRows(many(3))
    const renumbered = many(60).map((row) => ({
      ...row,
      sourceId: `new${row.sourceId}`,
      username: '',
    }))
    const report = await importRows(renumbered, { full: 'sis' })
    assert.equal(report.full?.refused, 'MORE_THAN_TEN_PERCENT')
  })

  it('counts a rejected row as present', async () => {
    await importRows(many(20))
    const rows = many(20).map((row, index) => (index < 5 ? { ...row, email: 'x' } : row))
    const report = await importRows(rows, { full: 'sis' })
    assert.equal(report.rejected, 5)
    assert.equal(report.full?.missing, 0)
    assert.equal(await endedCount(), 0)
  })

  it('ends nothing when a row could not be read: it might be any of them', async () => {
    await importRows(many(20))
    const rows = [
      ...asRead(many(20).slice(1)),
      { line: 99, unreadable: 'CSV_FIELD_COUNT' as const },
    ]
    const report = await importRegistry(rows, {
      secrets,
      scope: 'uni.example.gr',
      full: 'sis',
      force: true,
    })
    assert.equal(report.full?.refused, 'UNREADABLE_ROWS')
    assert.equal(await endedCount(), 0)
  })

  it('says what it would end in a dry run', async () => {
    await importRows(many(20))
    const report = await importRows(many(20).slice(1), { full: 'sis', dryRun: true })
    assert.equal(report.full?.ended, 1)
    assert.equal(await endedCount(), 0)
  })
})

describe('registry import: several at once', () => {
  it('leave nobody twice and account for every row', async (t) => {
    const seed = Date.now() % 1_000_000
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    const rows = Array.from({ length: 120 }, (_, index) => {
      // Two rows a person, joined by number, in an order that no import shares.
      const person = index >> 1
      return studentRow({
        sourceId: `r${index}`,
        amka: makeAmka('2003-05-17', person),
        username: `user${person}`,
      })
    })
    const shuffled = () =>
      rows
        .map((row) => ({ row, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ row }) => row)
    const options = { secrets, scope: 'uni.example.gr' }
    const reports = await Promise.all(
      [shuffled(), shuffled(), shuffled()].map((order) => importRegistry(asRead(order), options)),
    )
    const all = await people().find().toArray()
    assert.equal(all.length, 60, `seed ${seed}`)
    assert.ok(all.every((person) => person.roles.length === 2 && person.records.length === 2))
    assert.equal(await accounts().countDocuments(), 60)
    for (const report of reports) {
      assert.equal(report.created + report.changed + report.unchanged, 120)
      assert.equal(report.rejected, 0)
    }
    assert.equal(
      reports.reduce((sum, report) => sum + report.created, 0),
      120,
    )
    assert.equal(
      reports.reduce((sum, report) => sum + report.peopleCreated, 0),
      60,
    )
    const final = await importRegistry(asRead(rows), options)
    assert.equal(final.unchanged, 120)
  })
})
