import { equalValues } from '../bson/compare.ts'
import type { Value } from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import type { Filter } from './filter.ts'

/**
 * The equalities that an upsert starts its document from: `{a: 1}`, `$eq`, an `$in` or `$or` of
 * one, and those inside `$and`.
 *
 * @throws {CommandError} NotSingleValueField when two of them name the same field differently
 */
export function equalitiesOf(filter: Filter): Map<string, Value> {
  const found = new Map<string, Value>()
  collectEqualities(filter, found)
  return found
}

function collectEqualities(filter: Filter, found: Map<string, Value>) {
  if (filter.kind === 'and' || (filter.kind === 'or' && filter.list.length === 1)) {
    for (const node of filter.list) collectEqualities(node, found)
  } else if (filter.kind === 'field') {
    const { test, path } = filter
    const value =
      test.op === 'eq'
        ? test.value
        : test.op === 'in' && test.values.length === 1 && test.regexes.length === 0
          ? test.values[0]!
          : undefined
    if (!value) return
    const before = found.get(path)
    if (before && !equalValues(before, value)) {
      throw new CommandError(
        'NotSingleValueField',
        `cannot infer query fields to set, path '${path}' is matched twice`,
      )
    }
    found.set(path, value)
  }
}
