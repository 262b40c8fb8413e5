import { compareValues, equalValues } from '../bson/compare.ts'
import { bracketOfType } from '../bson/key.ts'
import { isNumber, T, type Value } from '../bson/value.ts'
import type { Filter, Test } from './filter.ts'
import { meetsElement } from './match.ts'

/**
 * Whether every document that matches `query` also matches `condition` (the filter of a partial
 * index). May answer false for something true, never the other way: a wrong true would hide
 * documents.
 */
export function implies(query: Filter, condition: Filter): boolean {
  switch (condition.kind) {
    case 'always':
      return condition.matches
    case 'and':
      return condition.list.every((part) => implies(query, part))
    case 'or':
      return condition.list.some((part) => implies(query, part))
    case 'field': {
      const { path, test } = condition
      if (query.kind === 'field') return query.path === path && testImplies(query.test, test)
      if (query.kind === 'and') return query.list.some((part) => implies(part, condition))
      return query.kind === 'or' && query.list.every((part) => implies(part, condition))
    }
    default:
      return false
  }
}

/** A value that is there, is not null, and meets the query. */
function isPresent(test: Test): boolean {
  switch (test.op) {
    case 'eq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return test.value.type !== T.null
    case 'in':
      return !test.values.some(({ type }) => type === T.null)
    case 'exists':
      return test.wanted
    case 'type':
    case 'regex':
    case 'size':
    case 'mod':
    case 'elemMatch':
      return true
    default:
      return false
  }
}

function testImplies(query: Test, condition: Test): boolean {
  if (condition.op === 'exists') return condition.wanted && isPresent(query)
  if (condition.op === 'eq' && condition.value.type === T.null) {
    return query.op === 'eq' && query.value.type === T.null
  }
  // 5 equals 5.0, so a wanted 5 says nothing of the type, unless the condition takes every number.
  if (condition.op === 'type') return wantedTypes(query)?.isSubsetOf(condition.types) ?? false
  // What holds for one wanted value holds for a document that has it, in an array too.
  if (query.op === 'eq') return holdsFor(query.value, condition)
  if (query.op === 'in') {
    return query.regexes.length === 0 && query.values.every((value) => holdsFor(value, condition))
  }
  const isRange = (test: Test): test is Extract<Test, { op: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' }> =>
    test.op === 'gt' || test.op === 'gte' || test.op === 'lt' || test.op === 'lte'
  if (!isRange(query) || !isRange(condition)) return false
  return narrower(query.op, query.value, condition.op, condition.value)
}

const numberTypes = new Set<number>([T.int32, T.int64, T.double, T.decimal])

/** The types a matching value can have, where the query says. */
function wantedTypes(query: Test): Set<number> | undefined {
  if (query.op === 'type') return query.types
  const values = query.op === 'eq' ? [query.value] : query.op === 'in' ? query.values : []
  if (values.length === 0 || (query.op === 'in' && query.regexes.length > 0)) return undefined
  if (values.some(({ type }) => type === T.null || type === T.array)) return undefined
  return new Set(values.flatMap((value) => (isNumber(value) ? [...numberTypes] : [value.type])))
}

function holdsFor(value: Value, condition: Test): boolean {
  if (value.type === T.null || value.type === T.array) {
    return condition.op === 'eq' && equalValues(value, condition.value)
  }
  return meetsElement(value, condition)
}

function narrower(op: string, value: Value, conditionOp: string, limit: Value): boolean {
  if (bracketOfType(value.type) !== bracketOfType(limit.type)) return false
  if (op[0] !== conditionOp[0]) return false
  const order = compareValues(value, limit)
  // x >= 5 does not imply x > 5.
  if (order === 0) return conditionOp.length === 3 || op.length === 2
  return op[0] === 'g' ? order > 0 : order < 0
}
