import type { Account } from '../people/account.ts'
import { type AllocationContext, wantedKeys } from './allocation.ts'
import { loadForAllocation } from './allocation-store.ts'

/** One line of a file that `academicid import` takes. */
export interface ExportedId {
  readonly key: string
  readonly academicId: string
}

/** Somebody's id under the first shared key alone: one line for each of their numbers. */
export async function exportedIds(
  context: Pick<AllocationContext, 'config' | 'secrets' | 'sharedKeys'>,
  account: Account,
): Promise<ExportedId[]> {
  const person = await loadForAllocation(account._id)
  if (person?.academicId === undefined) return []
  const { academicId } = person
  const inUse = { ...context, sharedKeys: context.sharedKeys.slice(0, 1) }
  const { numbers } = wantedKeys(inUse, person, account.activation)
  return numbers.flat().map((key) => ({ key, academicId }))
}
