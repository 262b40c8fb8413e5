import { randomBytes } from 'node:crypto'
import { hashPassword } from '../../src/login/password.ts'
import type { Account } from '../../src/people/account.ts'
import { accounts, people } from '../../src/people/people-store.ts'
import type { Person, PersonRole } from '../../src/people/person.ts'

/** One hash for all: argon2id is slow on purpose. */
export const testPassword = 'Δοκιμή-2026'
let testHash: Promise<string> | undefined

/** Puts a synthetic student and her active account into the store, or what `change` makes of them. */
export async function addPerson(
  change: { account?: Partial<Account>; person?: Partial<Person> } = {},
) {
  testHash ??= hashPassword(testPassword)
  const id = randomBytes(16).toString('hex')
  const role: PersonRole = {
    source: 'sis',
    sourceId: id,
    role: 'student',
    status: 'active',
    departmentCode: '101',
    ministryCode: '267',
    departmentName: { el: 'Τμήμα Πληροφορικής', en: 'Department of Informatics' },
    registrationNumber: '20250113',
    degreeLevel: 'bachelor',
  }
  const person: Person = {
    _id: id,
    firstName: { el: 'Δήμητρα', en: 'Dimitra' },
    lastName: { el: 'Παπαδοπούλου', en: 'Papadopoulou' },
    birthDate: '2007-03-12',
    gender: 2,
    citizenship: ['GR'],
    nationalNumbers: [],
    roles: [role],
    ...change.person,
  }
  const account: Account = {
    _id: id,
    username: `u${id.slice(0, 10)}`,
    state: 'active',
    passwordHash: await testHash,
    passwordChangedAt: new Date(),
    activatedAt: new Date(),
    // As if settled: nothing is written to the account behind a test's back.
    academicIdAt: new Date(),
    ...change.account,
  }
  // The look-up keys are unique in the store; a synthetic person has a number of her own.
  const nationalNumbers = person.nationalNumbers.length
    ? person.nationalNumbers
    : [{ country: 'GR', hmac: randomBytes(32).toString('hex'), sealed: 'synthetic' }]
  await people().insertOne({
    ...person,
    nationalNumbers,
    records: [{ key: `sis:${id}` }],
    version: id,
  } as never)
  await accounts().insertOne(account as never)
  return { person, account }
}
