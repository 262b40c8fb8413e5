import { compareValues, equalValues } from '../bson/compare.ts'
import { arithmetic, integerValue, isInteger, toBigInt, toNumber } from '../bson/numbers.ts'
import {
  dateValue,
  entries,
  field,
  int32Value,
  isNumber,
  items,
  T,
  text,
  truthy,
  typeNames,
  Value,
} from '../bson/value.ts'
import { arrayValue, objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { isOperatorObject, parseFilter } from '../query/filter.ts'
import { matches } from '../query/match.ts'
import { compareBy, parseSort } from '../query/sort.ts'

export interface UpdateOperator {
  /** Whether a path that does not exist is made. */
  create: boolean
  /** undefined removes the field; the same Value leaves it. */
  apply(before: Value | undefined, argument: Value, path: string): Value | undefined
}

const bad = (message: string) => new CommandError('BadValue', message)

function numberOperator(name: string, operation: 'add' | 'multiply'): UpdateOperator {
  return {
    create: true,
    apply(before, argument, path) {
      if (!isNumber(argument)) {
        throw new CommandError(
          'TypeMismatch',
          `Cannot ${name} with non-numeric argument: {${path}: ${typeNames[argument.type]}}`,
        )
      }
      if (!before) {
        return operation === 'add'
          ? argument
          : arithmetic('multiply', int32Value(0), argument, 'error')
      }
      if (!isNumber(before)) {
        throw new CommandError(
          'TypeMismatch',
          `Cannot apply $${name} to a value of non-numeric type. {${path}} is ${typeNames[before.type]}`,
        )
      }
      return arithmetic(operation, before, argument, 'error')
    },
  }
}

function needArray(name: string, value: Value, path: string): Value[] {
  if (value.type === T.array) return items(value)
  throw bad(
    `The field '${path}' must be an array but is of type ${typeNames[value.type]} (${name})`,
  )
}

/** The values of $push and $addToSet: the argument itself, or those of $each. */
function eachOf(name: string, argument: Value): { values: Value[]; hasEach: boolean } {
  const each = argument.type === T.object ? field(argument, '$each') : undefined
  if (!each) return { values: [argument], hasEach: false }
  if (each.type !== T.array) throw bad(`The argument to $each in ${name} must be an array`)
  return { values: items(each), hasEach: true }
}

function push(before: Value | undefined, argument: Value, path: string): Value {
  const list = before ? needArray('$push', before, path) : []
  const { values, hasEach } = eachOf('$push', argument)
  if (!hasEach) return arrayValue([...list, ...values])
  let result = list
  let at: number | undefined
  let slice: number | undefined
  let sort: ((a: Value, b: Value) => number) | undefined
  for (const [name, option] of entries(argument)) {
    if (name === '$each') continue
    if (name === '$position') at = wholeNumber('$position', option)
    else if (name === '$slice') slice = wholeNumber('$slice', option)
    else if (name === '$sort') sort = sortOf(option)
    else throw bad(`Unrecognized clause in $push: ${name}`)
  }
  const position = at === undefined ? list.length : at < 0 ? Math.max(0, list.length + at) : at
  result = [...list.slice(0, position), ...values, ...list.slice(position)]
  if (sort) result.sort(sort)
  if (slice !== undefined) {
    result = slice < 0 ? result.slice(slice) : result.slice(0, slice)
  }
  return arrayValue(result)
}

function wholeNumber(name: string, value: Value): number {
  if (isNumber(value) && Number.isInteger(toNumber(value))) return toNumber(value)
  throw bad(`The value for ${name} must be a whole number`)
}

function sortOf(option: Value): (a: Value, b: Value) => number {
  if (option.type === T.object) return compareBy(parseSort(option))
  const direction = wholeNumber('$sort', option)
  if (direction !== 1 && direction !== -1) throw bad('The $sort element value must be 1 or -1')
  return (a, b) => compareValues(a, b) * direction
}

function addToSet(before: Value | undefined, argument: Value, path: string): Value {
  const list = before ? needArray('$addToSet', before, path) : []
  const { values, hasEach } = eachOf('$addToSet', argument)
  if (hasEach && [...entries(argument)].length > 1) throw bad('$addToSet knows only $each')
  const added = values.filter(
    (value, i) =>
      !list.some((item) => equalValues(item, value)) &&
      !values.slice(0, i).some((item) => equalValues(item, value)),
  )
  return before && added.length === 0 ? before : arrayValue([...list, ...added])
}

/** Which elements $pull takes out: a filter on documents, operators on values, or equality. */
function pullTest(argument: Value): (item: Value) => boolean {
  if (argument.type === T.regex || isOperatorObject(argument)) {
    const filter = parseFilter(objectValue([['value', argument]]))
    return (item) => matches(filter, objectValue([['value', item]]))
  }
  if (argument.type === T.object) {
    const filter = parseFilter(argument)
    return (item) => item.type === T.object && matches(filter, item)
  }
  return (item) => equalValues(item, argument)
}

function removeWhere(
  name: string,
  choose: (argument: Value) => (item: Value) => boolean,
): UpdateOperator {
  return {
    create: false,
    apply(before, argument, path) {
      if (!before) return undefined
      const list = needArray(name, before, path)
      const taken = choose(argument)
      const kept = list.filter((item) => !taken(item))
      return kept.length === list.length ? before : arrayValue(kept)
    },
  }
}

function pop(before: Value | undefined, argument: Value, path: string): Value | undefined {
  const direction = isNumber(argument) ? toNumber(argument) : 0
  if (direction !== 1 && direction !== -1) {
    throw new CommandError('FailedToParse', `$pop expects 1 or -1 at ${path}`)
  }
  if (!before) return undefined
  if (before.type !== T.array) {
    throw new CommandError('TypeMismatch', `Path '${path}' contains an element of non-array type`)
  }
  const list = items(before)
  return arrayValue(direction === 1 ? list.slice(0, -1) : list.slice(1))
}

function bit(before: Value | undefined, argument: Value, path: string): Value | undefined {
  if (argument.type !== T.object) throw bad('The $bit modifier needs a document')
  if (before && !isInteger(before)) throw bad(`Cannot apply $bit to a non-integer at ${path}`)
  let result = before ?? int32Value(0)
  for (const [name, mask] of entries(argument)) {
    if (!isInteger(mask)) throw bad('The $bit modifier field must be an Integer')
    const [a, b] = [toBigInt(result), toBigInt(mask)]
    const bits = name === 'and' ? a & b : name === 'or' ? a | b : name === 'xor' ? a ^ b : undefined
    if (bits === undefined) throw bad(`$bit knows and, or, xor, not ${name}`)
    result = integerValue(bits, result.type === T.int64 || mask.type === T.int64)
  }
  return result
}

function currentDate(argument: Value): Value {
  const kind = argument.type === T.object ? field(argument, '$type') : undefined
  const wanted = kind?.type === T.string ? text(kind) : argument.type === T.bool ? 'date' : ''
  if (wanted === 'date' && (argument.type !== T.bool || truthy(argument))) {
    return dateValue(BigInt(Date.now()))
  }
  if (wanted === 'timestamp') {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(1, 0)
    bytes.writeUInt32LE(Math.floor(Date.now() / 1000), 4)
    return new Value(T.timestamp, bytes, 0, 8)
  }
  throw bad('$currentDate needs true or {$type: "date" | "timestamp"}')
}

/** $rename is not here: it touches two paths (apply.ts). */
export const updateOperators: Record<string, UpdateOperator> = {
  $set: { create: true, apply: (_, argument) => argument },
  $setOnInsert: { create: true, apply: (_, argument) => argument },
  $unset: { create: false, apply: () => undefined },
  $inc: numberOperator('increment', 'add'),
  $mul: numberOperator('multiply', 'multiply'),
  $min: {
    create: true,
    apply: (before, argument) =>
      before && compareValues(before, argument) <= 0 ? before : argument,
  },
  $max: {
    create: true,
    apply: (before, argument) =>
      before && compareValues(before, argument) >= 0 ? before : argument,
  },
  $currentDate: { create: true, apply: (_, argument) => currentDate(argument) },
  $push: { create: true, apply: push },
  $addToSet: { create: true, apply: addToSet },
  $pull: removeWhere('$pull', pullTest),
  $pullAll: removeWhere('$pullAll', (argument) => {
    const values = needArray('$pullAll', argument, '$pullAll')
    return (item) => values.some((value) => equalValues(value, item))
  }),
  $pop: { create: false, apply: pop },
  $bit: { create: true, apply: bit },
}
