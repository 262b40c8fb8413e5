import type { Account } from '../people/account.ts'
import { type AllocationContext, wantedKeys } from './allocation.ts'
import { loadForAllocation } from './allocation-store.ts'

/** One line of a file that `academicid import` takes. */
export interface ExportedId {
  readonly key: string
  readonly academicId: string
}

/**
 * Somebody's id under the first shared key alone: one line for each of their numbers. Of somebody in
 * conflict a number that has another id stays out: it would take this one to the next registry.
 *
 * @throws {RegistryUnreachable}
 */
export async function exportedIds(
  context: Pick<AllocationContext, 'config' | 'secrets' | 'sharedKeys' | 'registry'>,
  account: Account,
): Promise<ExportedId[]> {
  const person = await loadForAllocation(account._id)
  if (person?.academicId === undefined) return []
  const { academicId } = person
  const inUse = { ...context, sharedKeys: context.sharedKeys.slice(0, 1) }
  const { numbers } = wantedKeys(inUse, person, account.activation)
  const exported: ExportedId[] = []
  for (const key of numbers.flat()) {
    const other = account.academicIdConflict ? await context.registry.get(key) : undefined
    if (other === undefined || other.academicId === academicId) exported.push({ key, academicId })
  }
  return exported
}
