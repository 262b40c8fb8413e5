import type { Account } from '../people/account.ts'
import { people } from '../people/people-store.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { type AllocationContext, allocate, wantedKeys } from './allocation.ts'
import { loadForAllocation } from './allocation-store.ts'

/**
 * changed: the registry gives the person another id now, which was taken over. missing: it knows
 * none of their keys. conflict: a human is still to decide.
 */
export type SyncOutcome = 'unchanged' | 'changed' | 'missing' | 'conflict'

/**
 * Reads somebody's id again and takes over what the registry says now. Only a merge in the registry
 * changes an id, and only when all keys of the person agree.
 *
 * @param isDryRun only says what would happen
 * @throws {RegistryUnreachable}
 */
export async function syncAcademicId(
  context: AllocationContext,
  account: Account,
  isDryRun: boolean,
): Promise<SyncOutcome> {
  const person = await loadForAllocation(account._id)
  if (person?.academicId === undefined) return 'unchanged'
  const { numbers, before } = wantedKeys(context, person, account.activation)
  const ids = new Set<string>()
  for (const key of new Set([...numbers.flat(), ...before])) {
    const found = await context.registry.get(key)
    if (found) ids.add(found.academicId)
  }
  const [id] = ids
  if (id === undefined) return 'missing'
  if (ids.size > 1) return 'conflict'
  const isChanged = id !== person.academicId
  if (isDryRun) return isChanged ? 'changed' : 'unchanged'
  if (isChanged && !(await replaceId(person._id, person.academicId, id))) return 'conflict'
  // What was decided is no conflict any more, and the keys that it held up are registered.
  if (isChanged || account.academicIdConflict) await allocate(context, account)
  return isChanged ? 'changed' : 'unchanged'
}

/** @returns false when somebody else here has the new id, or the old one was changed meanwhile */
async function replaceId(personId: string, from: string, to: string): Promise<boolean> {
  try {
    const { matchedCount } = await people().updateOne(
      { _id: personId, academicId: from },
      { $set: { academicId: to } },
    )
    return matchedCount === 1
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return false
  }
}
