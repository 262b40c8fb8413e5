import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type Contact, findPeopleByContact } from '../../src/people/contact-match.ts'
import { checkPersonalEmail } from '../../src/people/email.ts'
import { people, preparePeopleStore } from '../../src/people/people-store.ts'
import { checkPhone } from '../../src/people/phone.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import type { RoleChoice } from '../../src/people/role-choice.ts'
import { useStore } from '../support/store.ts'
import { asRead, fixedSecrets, makeAmka, studentRow } from './support.ts'

const today = '2026-10-01'
let serials = 0

/** A row of a person of their own: number, username and key occur once. */
function row(changes: RegistryRow): RegistryRow {
  const serial = ++serials
  return studentRow({
    sourceId: `s${serial}`,
    username: `user${serial}`,
    amka: makeAmka('2003-05-17', serial),
    mobile: '',
    email: '',
    ...changes,
  })
}

const dimitra = row({
  username: 'dimitra',
  mobile: '+306900000001',
  email: 'Dimitra@Example.org',
})
const placeholder = Array.from({ length: 51 }, (_, index) =>
  row({ mobile: '6900000000', email: index === 0 ? 'only@example.org' : '' }),
)
const both = makeAmka('1980-01-02', 500)
const rows: RegistryRow[] = [
  dimitra,
  ...placeholder,
  row({ username: 'anna', mobile: '6900000002', email: 'anna@example.org' }),
  row({ username: 'nikos', mobile: '6900000002', email: 'nikos@example.org' }),
  row({ username: 'ended', status: 'ended', mobile: '6900000003' }),
  row({ username: 'suspended', status: 'suspended', mobile: '6900000003' }),
  row({ username: 'expired', validTo: '2026-09-30', mobile: '6900000003' }),
  row({ username: 'lastday', validTo: today, mobile: '6900000004' }),
  row({ username: 'nextyear', validFrom: '2026-11-01', mobile: '6900000004' }),
  row({ username: 'professor', source: 'hr', role: 'faculty', mobile: '6900000005' }),
  row({ username: 'clerk', source: 'hr', role: 'staff', mobile: '6900000005' }),
  row({ username: 'guest', source: 'aff', role: 'affiliate', mobile: '6900000005' }),
  row({
    username: 'tworoles',
    amka: both,
    birthDate: '1980-01-02',
    mobile: '6900000006',
    email: 'home@example.org',
  }),
  row({
    username: 'tworoles',
    amka: both,
    birthDate: '1980-01-02',
    source: 'hr',
    role: 'staff',
    mobile: '6900000007',
    email: 'work@example.org',
  }),
  row({
    username: 'tworecords',
    amka: makeAmka('1990-01-02', 600),
    birthDate: '1990-01-02',
    mobile: '6900000008',
  }),
  row({
    username: 'tworecords',
    amka: makeAmka('1990-01-02', 600),
    birthDate: '1990-01-02',
    degreeLevel: 'master',
    email: 'second@example.org',
  }),
]

useStore()
before(async () => {
  await preparePeopleStore()
  const report = await importRegistry(asRead(rows), {
    secrets: fixedSecrets(),
    scope: 'uni.example.gr',
    now: () => new Date(`${today}T08:00:00Z`),
  })
  assert.equal(report.rejected, 0)
})

/** Usernames of whoever the contact, as typed, belongs to. */
async function find(choice: RoleChoice, typed: { mobile?: string; email?: string }) {
  const contact: Contact = {
    ...(typed.mobile === undefined ? {} : { mobile: checkPhone(typed.mobile).value ?? '?' }),
    ...(typed.email === undefined
      ? {}
      : { email: checkPersonalEmail(typed.email, 'uni.example.gr').value ?? '?' }),
  }
  const found = await findPeopleByContact(choice, contact, today)
  const stored = await people()
    .find({ _id: { $in: found.map((person) => person._id) } })
    .toArray()
  return stored.map((person) => person.username).sort()
}

describe('who a contact belongs to', () => {
  it('is the same for every way of writing a number', async () => {
    for (const mobile of [
      '6900000001',
      '690 000 0001',
      '+306900000001',
      '+30 690 0000001',
      '00306900000001',
      '0030 690-000-0001',
      '306900000001',
    ]) {
      assert.deepEqual(await find('student', { mobile }), ['dimitra'], mobile)
    }
    assert.deepEqual(await find('student', { mobile: '+446900000001' }), [])
  })

  it('does not look at capitals of a mail address', async () => {
    assert.deepEqual(await find('student', { email: 'dimitra@example.org' }), ['dimitra'])
    assert.deepEqual(await find('student', { email: ' DIMITRA@EXAMPLE.ORG ' }), ['dimitra'])
  })

  it('is nobody without a contact', async () => {
    assert.deepEqual(await find('student', {}), [])
  })

  it('is everybody who shares it, and the mail tells them apart', async () => {
    const mobile = '6900000002'
    assert.deepEqual(await find('student', { mobile }), ['anna', 'nikos'])
    assert.deepEqual(await find('student', { mobile, email: 'anna@example.org' }), ['anna'])
  })

  it('is nobody for a number that a source has put in everywhere, unless the mail tells', async () => {
    const mobile = '6900000000'
    assert.deepEqual(await find('student', { mobile }), [])
    const email = 'only@example.org'
    assert.deepEqual(await find('student', { mobile, email }), [placeholder[0]?.username])
  })

  it('is nobody when number and mail are those of different people', async () => {
    assert.deepEqual(await find('student', { mobile: '6900000001', email: 'anna@example.org' }), [])
  })

  it('is nobody for a role that ended, is suspended or has expired', async () => {
    assert.deepEqual(await find('student', { mobile: '6900000003' }), [])
  })

  it('is found on the last day of a role, and before its first', async () => {
    assert.deepEqual(await find('student', { mobile: '6900000004' }), ['lastday', 'nextyear'])
  })

  it('finds faculty with the staff, and affiliates by themselves', async () => {
    const mobile = '6900000005'
    assert.deepEqual(await find('staff', { mobile }), ['clerk', 'professor'])
    assert.deepEqual(await find('affiliate', { mobile }), ['guest'])
    assert.deepEqual(await find('student', { mobile }), [])
  })

  it('counts only what the source of the chosen role holds', async () => {
    assert.deepEqual(await find('student', { mobile: '6900000006' }), ['tworoles'])
    assert.deepEqual(await find('staff', { mobile: '6900000006' }), [])
    assert.deepEqual(await find('student', { mobile: '6900000007' }), [])
    assert.deepEqual(await find('student', { mobile: '6900000006', email: 'work@example.org' }), [])
  })

  it('may stand in two records of one person and role', async () => {
    const contact = { mobile: '6900000008', email: 'second@example.org' }
    assert.deepEqual(await find('student', contact), ['tworecords'])
  })

  it('is found as a plain person, without what only the import needs', async () => {
    const [person] = await findPeopleByContact('student', { mobile: '+306900000001' }, today)
    assert.equal(person?.lastName.el, 'Παπαδοπούλου')
    assert.ok(person && !('records' in person) && !('version' in person) && !('username' in person))
  })

  it('is looked up over the indexes', async () => {
    for (const filter of [
      { 'roles.mobile': '+306900000001' },
      { 'roles.email': 'anna@example.org' },
      { 'roles.mobile': '+306900000001', 'roles.email': 'dimitra@example.org' },
    ]) {
      const plan = await people().find(filter).explain('executionStats')
      assert.equal(plan.executionStats.totalDocsExamined, 1)
    }
  })
})
