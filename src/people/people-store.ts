import { randomBytes } from 'node:crypto'
import type { mongo } from 'mongoose'
import type { Account } from './account.ts'
import { AccountModel } from './account-model.ts'
import type { Person } from './person.ts'
import { PersonModel, type SourceRecord, type StoredPerson } from './person-model.ts'

export { normalizeUsername } from './username.ts'

/** Plain documents: these are read on every sign-in and every response to a service. */
export const people = () => PersonModel.collection as unknown as mongo.Collection<StoredPerson>

/** Of a person, at every write: an import writes only over the version it has read, and must notice. */
export const newVersion = () => randomBytes(8).toString('hex')
export const accounts = () => AccountModel.collection as unknown as mongo.Collection<Account>

/** Makes the indexes that uniqueness of people and usernames rests on. Safe to call again. */
export async function preparePeopleStore(): Promise<void> {
  await PersonModel.createIndexes()
  await AccountModel.createIndexes()
}

/** @param username already brought to form by normalizeUsername() */
export function findAccountByUsername(username: string): Promise<Account | null> {
  return accounts().findOne({ username })
}

export function findAccount(personId: string): Promise<Account | null> {
  return accounts().findOne({ _id: personId })
}

/** What only the import and the AcademicID registry need stays in the store. */
const projection = { records: 0, version: 0, username: 0, academicIdKeys: 0, numbersChangedAt: 0 }

export async function findPerson(personId: string): Promise<Person | null> {
  const person = await people().findOne({ _id: personId }, { projection })
  return person && withNumbers(person)
}

/**
 * @param filter over indexed fields: there may be a hundred thousand people
 * @param limit no more than so many; 0: all
 */
export async function findPeople(filter: mongo.Filter<StoredPerson>, limit = 0): Promise<Person[]> {
  const found = await people().find(filter, { projection, limit }).toArray()
  return found.map(withNumbers)
}

/** What each source holds about a person; one record for each of their roles. */
export async function findSourceRecords(personId: string): Promise<readonly SourceRecord[]> {
  const person = await people().findOne({ _id: personId }, { projection: { records: 1 } })
  return person?.records ?? []
}

export interface PersonWithAccount {
  readonly person: Person
  readonly account: Account
}

const joinedPerson = 'joinedPerson'
const joinedAccount = 'joinedAccount'

/**
 * Pipeline stages for documents that name a person in `field`: person and account come along, for
 * `joinedPersonWithAccount` to take out.
 */
export function joinPersonWithAccount(field: string): object[] {
  return [joinBy(field, PersonModel.collection.collectionName, joinedPerson), ...joinAccount(field)]
}

/** The same for the account alone; `joinedAccountOf` takes it out. */
export function joinAccount(field: string): object[] {
  return [joinBy(field, AccountModel.collection.collectionName, joinedAccount)]
}

function joinBy(localField: string, from: string, as: string) {
  return { $lookup: { from, localField, foreignField: '_id', as } }
}

export function joinedAccountOf(document: object): Account | undefined {
  return (document as { [joinedAccount]?: Account[] })[joinedAccount]?.[0]
}

/** @returns undefined when there is no such person, or one without an account */
export function joinedPersonWithAccount(document: object): PersonWithAccount | undefined {
  const [stored] = (document as { [joinedPerson]?: StoredPerson[] })[joinedPerson] ?? []
  const account = joinedAccountOf(document)
  if (!stored || !account) return undefined
  const { records, version, username, academicIdKeys, numbersChangedAt, ...person } = stored
  return { person: withNumbers(person), account }
}

/** The same by the person's id: asked wherever a token, not a session, names the person. */
export async function findPersonWithAccount(
  personId: string,
): Promise<PersonWithAccount | undefined> {
  const [account, person] = await Promise.all([findAccount(personId), findPerson(personId)])
  return account && person ? { account, person } : undefined
}

/** People without a national number have no such field in the store: the unique index skips them. */
function withNumbers<T extends Person>(person: T): T {
  return person.nationalNumbers === undefined ? { ...person, nationalNumbers: [] } : person
}

/**
 * Stores a hash with newer parameters, only if the password has not been changed meanwhile.
 *
 * @returns whether it was stored
 */
export async function updatePasswordHash(
  personId: string,
  oldHash: string,
  newHash: string,
): Promise<boolean> {
  const result = await accounts().updateOne(
    { _id: personId, passwordHash: oldHash },
    { $set: { passwordHash: newHash } },
  )
  return result.modifiedCount === 1
}
