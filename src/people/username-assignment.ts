import { isDuplicateKey } from '../store/duplicate-key.ts'
import { accounts, newVersion, people, preparePeopleStore } from './people-store.ts'

/**
 * Gives a username and a pending account to somebody whose sources assign none.
 *
 * @param key `source:sourceId` of one of their records
 * @returns what stands against it, or undefined when done
 */
export async function assignUsername(key: string, username: string): Promise<string | undefined> {
  await preparePeopleStore()
  const person = await people().findOne({ 'records.key': key })
  if (!person) return `the registry has no record "${key}"`
  const account = await accounts().findOne({ _id: person._id })
  if (account) return `the person of "${key}" has the account "${account.username}"`
  if (person.username !== undefined && person.username !== username) {
    return `the sources of "${key}" assign the username "${person.username}"`
  }
  try {
    const { matchedCount } = await people().updateOne(
      { _id: person._id, version: person.version },
      { $set: { username, version: newVersion() } },
    )
    if (matchedCount === 0) return `"${key}" was changed by an import meanwhile: try again`
    await accounts().insertOne({ _id: person._id, username, state: 'pending' })
    return undefined
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return `the username "${username}" belongs to another person`
  }
}
