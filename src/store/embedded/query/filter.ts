/**
 * Filters: the BSON of a query as a tree that match.ts evaluates and planner.ts reads.
 *
 * The mingo library was tried for this: on BSON values it finds that Long 5 is not 5, that
 * Decimal 10 is not greater than 9, and that {x, y} equals {y, x}. Filters decide who signs in, so
 * matching and updates are our own, on the BSON itself; an index then agrees with them by
 * construction, because both use the one order of compare.ts and key.ts.
 */

import { parseExpression } from '../aggregation/expression.ts'
import type { Expression } from '../aggregation/operator.ts'
import { isInteger, toNumber } from '../bson/numbers.ts'
import {
  Elements,
  field,
  firstName,
  isEmpty,
  isNumber,
  items,
  regexParts,
  T,
  text,
  truthy,
  typeNames,
  type Value,
} from '../bson/value.ts'
import { CommandError, unsupported } from '../errors.ts'
import { compileRegex } from './regex.ts'

/** What is asked of one value; `all` and `elemMatch` also look at the array around it. */
export type Test =
  | { op: 'eq' | 'gt' | 'gte' | 'lt' | 'lte'; value: Value }
  | { op: 'in'; values: Value[]; regexes: { regex: RegExp; source: Value }[] }
  | { op: 'exists'; wanted: boolean }
  | { op: 'type'; types: Set<number> }
  | { op: 'regex'; regex: RegExp; source?: Value; prefix?: string }
  | { op: 'size'; count: number }
  | { op: 'mod'; divisor: number; remainder: number }
  | { op: 'bits'; mode: 'allSet' | 'allClear' | 'anySet' | 'anyClear'; mask: bigint }
  | { op: 'elemMatch'; filter?: Filter; tests?: Test[] }
  | { op: 'not'; tests: Test[] }

export type Filter =
  | { kind: 'and' | 'or' | 'nor'; list: Filter[] }
  | { kind: 'field'; path: string; parts: string[]; test: Test }
  | { kind: 'expression'; expression: Expression }
  | { kind: 'always'; matches: boolean }

export interface FilterOptions {
  /** Values of the command's `let`, for $expr. */
  variables?: ReadonlyMap<string, Value>
}

const bad = (message: string) => new CommandError('BadValue', message)

/** @throws {CommandError} BadValue, CommandNotSupported */
export function parseFilter(filter: Value, options: FilterOptions = {}): Filter {
  const list: Filter[] = []
  const elements = new Elements(filter)
  while (elements.next()) {
    const name = elements.name()
    const value = elements.value()
    if (name.startsWith('$')) {
      const node = parseTopLevel(name, value, options)
      if (node) list.push(node)
    } else {
      for (const test of parseTests(value, options)) {
        list.push({ kind: 'field', path: name, parts: name.split('.'), test })
      }
    }
  }
  if (list.length === 1) return list[0]!
  return list.length === 0 ? { kind: 'always', matches: true } : { kind: 'and', list }
}

function parseTopLevel(name: string, value: Value, options: FilterOptions): Filter | undefined {
  switch (name) {
    case '$and':
    case '$or':
    case '$nor': {
      if (value.type !== T.array || isEmpty(value)) throw bad(`${name} must be a nonempty array`)
      const list = items(value).map((item) => {
        if (item.type !== T.object) throw bad(`${name} argument's entries must be objects`)
        return parseFilter(item, options)
      })
      return { kind: name.slice(1) as 'and' | 'or' | 'nor', list }
    }
    case '$expr':
      return { kind: 'expression', expression: parseExpression(value, options.variables) }
    case '$comment':
      return undefined
    case '$alwaysTrue':
    case '$alwaysFalse':
      return { kind: 'always', matches: name === '$alwaysTrue' }
    case '$where':
    case '$text':
    case '$jsonSchema':
    case '$sampleRate':
      throw unsupported(name)
    default:
      throw bad(`unknown top level operator: ${name}`)
  }
}

/** True for `{$gt: 1}`, false for `{a: 1}` and for a DBRef, which is a plain value. */
export function isOperatorObject(value: Value): boolean {
  if (value.type !== T.object) return false
  const name = firstName(value)
  return !!name?.startsWith('$') && name !== '$ref' && name !== '$id' && name !== '$db'
}

function parseTests(value: Value, options: FilterOptions): Test[] {
  if (value.type === T.regex) return [regexTest(value)]
  if (!isOperatorObject(value)) return [equality(value)]
  const tests: Test[] = []
  const elements = new Elements(value)
  while (elements.next()) {
    const name = elements.name()
    if (name === '$options') {
      if (!field(value, '$regex')) throw bad('$options needs a $regex')
      continue
    }
    tests.push(...parseOperator(name, elements.value(), value, options))
  }
  return tests
}

function equality(value: Value): Test {
  if (value.type === T.undefined) throw bad('cannot compare to undefined')
  return { op: 'eq', value }
}

function regexTest(source: Value): Test {
  const [pattern, flags] = regexParts(source)
  return { op: 'regex', source, ...compileRegex(pattern, flags) }
}

function not(tests: Test[]): Test {
  return { op: 'not', tests }
}

function parseOperator(name: string, value: Value, parent: Value, options: FilterOptions): Test[] {
  switch (name) {
    case '$eq':
      return [equality(value)]
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      if (value.type === T.regex) throw bad(`Can't have RegEx as arg to predicate over field`)
      equality(value)
      return [{ op: name.slice(1) as 'gt', value }]
    case '$ne':
      if (value.type === T.regex) throw bad("Can't have regex as arg to $ne.")
      return [not([equality(value)])]
    case '$in':
      return [parseIn(name, value)]
    case '$nin':
      return [not([parseIn(name, value)])]
    case '$exists':
      return [{ op: 'exists', wanted: truthy(value) }]
    case '$type':
      return [{ op: 'type', types: parseTypes(value) }]
    case '$regex':
      return [parseRegexOperator(value, field(parent, '$options'))]
    case '$not':
      if (value.type === T.regex) return [not([regexTest(value)])]
      if (!isOperatorObject(value)) throw bad('$not needs a regex or a document of operators')
      return [not(parseTests(value, options))]
    case '$size':
      if (!isNumber(value) || !Number.isInteger(toNumber(value)) || toNumber(value) < 0) {
        throw bad('$size must be a whole number that is not negative')
      }
      return [{ op: 'size', count: toNumber(value) }]
    case '$mod':
      return [parseMod(value)]
    case '$all':
      return parseAll(value, options)
    case '$elemMatch':
      return [parseElemMatch(value, options)]
    case '$bitsAllSet':
    case '$bitsAllClear':
    case '$bitsAnySet':
    case '$bitsAnyClear':
      return [{ op: 'bits', mode: bitModes[name], mask: parseMask(value) }]
    case '$geoWithin':
    case '$geoIntersects':
    case '$near':
    case '$nearSphere':
      throw unsupported(name)
    default:
      throw bad(`unknown operator: ${name}`)
  }
}

const bitModes = {
  $bitsAllSet: 'allSet',
  $bitsAllClear: 'allClear',
  $bitsAnySet: 'anySet',
  $bitsAnyClear: 'anyClear',
} as const

function parseIn(name: string, value: Value): Test {
  if (value.type !== T.array) throw bad(`${name} needs an array`)
  const values: Value[] = []
  const regexes: { regex: RegExp; source: Value }[] = []
  for (const item of items(value)) {
    if (item.type === T.regex) {
      const [pattern, flags] = regexParts(item)
      regexes.push({ regex: compileRegex(pattern, flags).regex, source: item })
    } else if (isOperatorObject(item)) {
      throw bad(`cannot nest $ under ${name}`)
    } else {
      equality(item)
      values.push(item)
    }
  }
  return { op: 'in', values, regexes }
}

function parseRegexOperator(value: Value, flags: Value | undefined): Test {
  if (flags && flags.type !== T.string) throw bad('$options has to be a string')
  if (value.type === T.regex) {
    const [pattern, own] = regexParts(value)
    if (flags && own) throw bad('options set in both $regex and $options')
    return { op: 'regex', ...compileRegex(pattern, flags ? text(flags) : own) }
  }
  if (value.type !== T.string) throw bad('$regex has to be a string')
  return { op: 'regex', ...compileRegex(text(value), flags ? text(flags) : '') }
}

function parseMod(value: Value): Test {
  const list = value.type === T.array ? items(value) : []
  if (list.length !== 2 || !list.every(isNumber)) throw bad('malformed mod, needs two numbers')
  const [divisor, remainder] = list.map((item) => Math.trunc(toNumber(item))) as [number, number]
  if (!Number.isSafeInteger(divisor) || !Number.isSafeInteger(remainder)) {
    throw bad('malformed mod, a number is out of range')
  }
  if (divisor === 0) throw bad('divisor cannot be 0')
  return { op: 'mod', divisor, remainder }
}

/** Each item must be met by the array, not all by one element: several tests side by side. */
function parseAll(value: Value, options: FilterOptions): Test[] {
  if (value.type !== T.array) throw bad('$all needs an array')
  const list = items(value)
  if (list.length === 0) return [{ op: 'in', values: [], regexes: [] }]
  return list.map((item): Test => {
    if (item.type === T.regex) return regexTest(item)
    if (!isOperatorObject(item)) return equality(item)
    if (firstName(item) !== '$elemMatch') throw bad('no $ expressions in $all')
    return parseElemMatch(field(item, '$elemMatch')!, options)
  })
}

function parseElemMatch(value: Value, options: FilterOptions): Test {
  if (value.type !== T.object) throw bad('$elemMatch needs an Object')
  const first = firstName(value)
  const logical = first === '$and' || first === '$or' || first === '$nor'
  if (isOperatorObject(value) && !logical) {
    return { op: 'elemMatch', tests: parseTests(value, options) }
  }
  return { op: 'elemMatch', filter: parseFilter(value, options) }
}

const typesByName = new Map(Object.entries(typeNames).map(([type, name]) => [name, Number(type)]))

function parseTypes(value: Value): Set<number> {
  const types = new Set<number>()
  const list = value.type === T.array ? items(value) : [value]
  if (list.length === 0) throw bad('$type must match at least one type')
  for (const item of list) {
    if (item.type === T.string) {
      const name = text(item)
      if (name === 'number') {
        for (const type of [T.int32, T.int64, T.double, T.decimal]) types.add(type)
        continue
      }
      const type = typesByName.get(name)
      if (type === undefined) throw bad(`Unknown type name alias: ${name}`)
      types.add(type)
    } else {
      const code = isNumber(item) ? toNumber(item) : Number.NaN
      const type = code === -1 ? T.minKey : code
      if (!(type in typeNames)) throw bad(`Invalid numerical type code: ${code}`)
      types.add(type)
    }
  }
  return types
}

function parseMask(value: Value): bigint {
  if (isNumber(value)) {
    const number = toNumber(value)
    if (number < 0 || !Number.isInteger(number)) throw bad('bit mask must be a positive integer')
    return isInteger(value) ? BigInt(toNumber(value)) : BigInt(number)
  }
  if (value.type === T.array) {
    let mask = 0n
    for (const item of items(value)) {
      const position = isNumber(item) ? toNumber(item) : -1
      if (!Number.isInteger(position) || position < 0 || position > 4096) {
        throw bad('bit positions must be whole numbers from 0 to 4096')
      }
      mask |= 1n << BigInt(position)
    }
    return mask
  }
  throw unsupported('a binary bit mask')
}
