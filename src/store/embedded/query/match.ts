import { evaluate } from '../aggregation/expression.ts'
import { compareValues, equalValues } from '../bson/compare.ts'
import { bracketOfType } from '../bson/key.ts'
import { isInteger, toBigInt, toNumber } from '../bson/numbers.ts'
import { Elements, field, isNumber, T, text, truthy, type Value } from '../bson/value.ts'
import type { Filter, Test } from './filter.ts'

/** Whether a document meets a filter, by MongoDB's rules for arrays, null and missing fields. */
export function matches(filter: Filter, document: Value): boolean {
  switch (filter.kind) {
    case 'field':
      return matchesPath(document, filter.parts, filter.test)
    case 'and':
      for (const node of filter.list) if (!matches(node, document)) return false
      return true
    case 'or':
      for (const node of filter.list) if (matches(node, document)) return true
      return false
    case 'nor':
      for (const node of filter.list) if (matches(node, document)) return false
      return true
    case 'expression':
      return truthy(evaluate(filter.expression, document))
    case 'always':
      return filter.matches
  }
}

const isIndex = /^(0|[1-9]\d*)$/

/**
 * Calls `visit` with every value a dotted path reaches, undefined where it reaches nothing, until
 * one answers true. Arrays on the way are entered; elements that are not documents are skipped,
 * so `{'a.b': null}` does not match `{a: [1]}` (as in MongoDB).
 */
export function reach(
  parent: Value,
  parts: readonly string[],
  at: number,
  visit: (value: Value | undefined) => boolean,
): boolean {
  const value = field(parent, parts[at]!)
  if (at === parts.length - 1 || !value) return visit(value)
  if (value.type === T.object) return reach(value, parts, at + 1, visit)
  if (value.type !== T.array) return visit(undefined)
  const next = parts[at + 1]!
  if (isIndex.test(next)) {
    const item = field(value, next)
    if (item) {
      if (at + 2 === parts.length) {
        if (visit(item)) return true
      } else if (item.type === T.object || item.type === T.array) {
        if (reach(value, parts, at + 1, visit)) return true
      } else if (visit(undefined)) return true
    }
  }
  const elements = new Elements(value)
  while (elements.next()) {
    if (elements.type === T.object && reach(elements.value(), parts, at + 1, visit)) return true
  }
  return false
}

function matchesPath(document: Value, parts: readonly string[], test: Test): boolean {
  switch (test.op) {
    case 'not':
      // All of the tests together are negated: {$not: {$gt: 1, $lt: 5}}.
      return !test.tests.every((inner) => matchesPath(document, parts, inner))
    case 'exists':
      return reach(document, parts, 0, (value) => value !== undefined) === test.wanted
    case 'size':
      return reach(
        document,
        parts,
        0,
        (value) => value?.type === T.array && countItems(value) === test.count,
      )
    case 'elemMatch':
      return reach(
        document,
        parts,
        0,
        (value) => value?.type === T.array && findElement(value, test) >= 0,
      )
    default:
      return reach(document, parts, 0, (value) => meetsSelfOrElement(value, test))
  }
}

function countItems(array: Value): number {
  const elements = new Elements(array)
  let count = 0
  while (elements.next()) count++
  return count
}

/** The index of the first element an $elemMatch accepts, or -1. */
export function findElement(array: Value, test: Extract<Test, { op: 'elemMatch' }>): number {
  const elements = new Elements(array)
  for (let index = 0; elements.next(); index++) {
    const item = elements.value()
    if (test.tests) {
      if (test.tests.every((inner) => meetsElement(item, inner))) return index
    } else if (item.type === T.object || item.type === T.array) {
      if (matches(test.filter!, item)) return index
    }
  }
  return -1
}

function meetsSelfOrElement(value: Value | undefined, test: Test): boolean {
  if (meets(value, test)) return true
  if (value?.type !== T.array) return false
  const elements = new Elements(value)
  while (elements.next()) if (meets(elements.value(), test)) return true
  return false
}

/** Inside $elemMatch an element is one value: an array in the array is not entered again. */
export function meetsElement(value: Value, test: Test): boolean {
  switch (test.op) {
    case 'not':
      return !test.tests.every((inner) => meetsElement(value, inner))
    case 'exists':
      return test.wanted
    case 'size':
      return value.type === T.array && countItems(value) === test.count
    case 'elemMatch':
      return value.type === T.array && findElement(value, test) >= 0
    default:
      return meets(value, test)
  }
}

function meets(value: Value | undefined, test: Test): boolean {
  switch (test.op) {
    case 'eq':
      return value ? equalValues(value, test.value) : test.value.type === T.null
    case 'in':
      if (!value) return test.values.some((wanted) => wanted.type === T.null)
      return (
        test.values.some((wanted) => equalValues(value, wanted)) ||
        test.regexes.some(({ regex, source }) => meetsRegex(value, regex, source))
      )
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return meetsOrder(value, test.op, test.value)
    case 'type':
      return value !== undefined && test.types.has(value.type)
    case 'regex':
      return value !== undefined && meetsRegex(value, test.regex, test.source)
    case 'mod': {
      if (!isNumber(value)) return false
      if (isInteger(value)) {
        return toBigInt(value) % BigInt(test.divisor) === BigInt(test.remainder)
      }
      const number = Math.trunc(toNumber(value))
      // Added 0 turns -0 into 0.
      return Number.isFinite(number) && (number % test.divisor) + 0 === test.remainder
    }
    case 'bits':
      return meetsBits(value, test)
    default:
      return false
  }
}

function meetsRegex(value: Value, regex: RegExp, source: Value | undefined): boolean {
  if (value.type === T.string || value.type === T.symbol) return regex.test(text(value))
  // A regex given as a value also finds itself.
  return value.type === T.regex && source !== undefined && equalValues(value, source)
}

function meetsOrder(
  value: Value | undefined,
  op: 'gt' | 'gte' | 'lt' | 'lte',
  wanted: Value,
): boolean {
  if (!value) return wanted.type === T.null && (op === 'gte' || op === 'lte')
  // Only values of the same type bracket compare, except against MinKey and MaxKey.
  const anyType = wanted.type === T.minKey || wanted.type === T.maxKey
  if (!anyType && bracketOfType(value.type) !== bracketOfType(wanted.type)) return false
  const order = compareValues(value, wanted)
  if (op === 'gte' || op === 'lte') {
    if (order === 0) return true
  } else if (order === 0) return false
  // NaN equals NaN but is neither less nor greater than a number.
  if (isNumber(value) && isNumber(wanted)) {
    if (Number.isNaN(toNumber(value)) || Number.isNaN(toNumber(wanted))) return false
  }
  return op === 'gt' || op === 'gte' ? order > 0 : order < 0
}

function meetsBits(value: Value | undefined, test: Extract<Test, { op: 'bits' }>): boolean {
  if (!isNumber(value)) return false
  let bits: bigint
  if (isInteger(value)) bits = toBigInt(value)
  else {
    const number = toNumber(value)
    if (!Number.isInteger(number) || Math.abs(number) >= 2 ** 63) return false
    bits = BigInt(number)
  }
  const set = bits & test.mask
  switch (test.mode) {
    case 'allSet':
      return set === test.mask
    case 'allClear':
      return set === 0n
    case 'anySet':
      return set !== 0n
    case 'anyClear':
      return set !== test.mask
  }
}

/**
 * For the positional operator `$`: the index of the element of `arrayPath` that made the filter
 * match. When several parts of the filter look at the array the last one decides.
 */
export function matchedIndex(filter: Filter, document: Value, arrayPath: string[]): number {
  if (filter.kind === 'and' || filter.kind === 'or') {
    let found = -1
    for (const node of filter.list) {
      if (filter.kind === 'or' && !matches(node, document)) continue
      const index = matchedIndex(node, document, arrayPath)
      if (index >= 0) found = index
    }
    return found
  }
  if (filter.kind !== 'field') return -1
  const { parts, test } = filter
  if (parts.length < arrayPath.length || arrayPath.some((part, i) => part !== parts[i])) return -1
  let array: Value | undefined = document
  for (const part of arrayPath) array = array && field(array, part)
  if (array?.type !== T.array) return -1
  const rest = parts.slice(arrayPath.length)
  if (rest.length === 0 && test.op === 'elemMatch') return findElement(array, test)
  const elements = new Elements(array)
  for (let index = 0; elements.next(); index++) {
    const item = elements.value()
    if (rest.length === 0) {
      if (meetsElement(item, test)) return index
    } else if (rest[0] === String(index)) {
      if (matchesPath(array, rest, test)) return index
    } else if (item.type === T.object && matchesPath(item, rest, test)) return index
  }
  return -1
}
