import { isDeepStrictEqual } from 'node:util'
import { sourceKey } from './person-merge.ts'
import type { StoredPerson } from './person-model.ts'
import type { Draft } from './registry-plan.ts'

/**
 * The names of the facts that a row changed in its role and its personal record. Names only: the
 * list goes to terminals and mails.
 */
export function changedFacts({ before, after }: Draft, key: string): string[] {
  const old = factsOf(before, key)
  const now = factsOf(after, key)
  const names = new Set([...Object.keys(old), ...Object.keys(now)])
  return [...names].filter((name) => !isDeepStrictEqual(old[name], now[name])).sort()
}

function factsOf(person: StoredPerson | undefined, key: string): Record<string, unknown> {
  const role = person?.roles.find((entry) => sourceKey(entry.source, entry.sourceId) === key)
  const record = person?.records.find((entry) => entry.key === key)
  const facts: Record<string, unknown> = {
    ...role,
    ...record,
    nationalNumbers: record?.numberHmacs ?? [],
  }
  // Says nothing that the others do not say.
  for (const name of ['key', 'source', 'sourceId', 'statusChangedAt', 'numberHmacs'])
    delete facts[name]
  return facts
}
