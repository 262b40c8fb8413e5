import type { mongo } from 'mongoose'
import type { Account } from './account.ts'
import { AccountModel } from './account-model.ts'
import type { Person } from './person.ts'
import { PersonModel, type StoredPerson } from './person-model.ts'

export { normalizeUsername } from './username.ts'

/** Plain documents: these are read on every sign-in and every response to a service. */
export const people = () => PersonModel.collection as unknown as mongo.Collection<StoredPerson>
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

export async function findPerson(personId: string): Promise<Person | null> {
  const person = await people().findOne(
    { _id: personId },
    { projection: { records: 0, version: 0, username: 0 } },
  )
  return person && withNumbers(person)
}

/**
 * A person with their account, in one round trip: asked at every answer to a service.
 *
 * @returns undefined when there is no such person, or one without an account
 */
export async function findPersonWithAccount(
  personId: string,
): Promise<{ person: Person; account: Account } | undefined> {
  // The plain command: the driver's cursor would cost as much again as the look-up itself.
  const answer = await PersonModel.db.db!.command({
    aggregate: PersonModel.collection.collectionName,
    pipeline: [
      { $match: { _id: personId } },
      {
        $lookup: {
          from: AccountModel.collection.collectionName,
          localField: '_id',
          foreignField: '_id',
          as: 'account',
        },
      },
    ],
    cursor: {},
  })
  const [found] = answer.cursor.firstBatch as (StoredPerson & { account: Account[] })[]
  if (!found) return undefined
  const { account: accountsFound, records, version, username, ...person } = found
  const [account] = accountsFound
  return account && { person: withNumbers(person), account }
}

/** People without a national number have no such field in the store: the unique index skips them. */
export function withNumbers<T extends Person>(person: T): T {
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
