import { equalValues } from '../bson/compare.ts'
import { keyText } from '../bson/key.ts'
import { toNumber } from '../bson/numbers.ts'
import {
  boolValue,
  entries,
  field,
  int32Value,
  isNumber,
  items,
  nullValue,
  stringValue,
  T,
  text,
  truthy,
  type Value,
} from '../bson/value.ts'
import { arrayValue, objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { isNullish, type Operator, parseArguments } from './operator.ts'

const many = Number.POSITIVE_INFINITY

function needItems(name: string, value: Value | undefined): Value[] {
  if (value?.type === T.array) return items(value)
  throw new CommandError('TypeMismatch', `${name} only supports arrays`)
}

function needInteger(name: string, value: Value | undefined): number {
  if (isNumber(value) && Number.isInteger(toNumber(value))) return toNumber(value)
  throw new CommandError('TypeMismatch', `${name} needs a whole number`)
}

function onArray(name: string, work: (list: Value[]) => Value | undefined): Operator {
  return (argument, parse) => {
    const [input] = parseArguments(name, argument, parse, 1)
    return (scope) => {
      const value = input!(scope)
      return isNullish(value) ? nullValue : work(needItems(name, value))
    }
  }
}

/** $map and $filter: an expression for each element, named `as` or `this`. */
function each(
  name: '$map' | '$filter',
  bodyName: string,
  collect: (item: Value, result: Value | undefined, out: Value[]) => void,
): Operator {
  return (argument, parse) => {
    const input = argument.type === T.object ? field(argument, 'input') : undefined
    const body = input && field(argument, bodyName)
    if (!input || !body) throw new CommandError('BadValue', `${name} needs input and ${bodyName}`)
    if (field(argument, 'limit')) throw new CommandError('CommandNotSupported', `${name} limit`)
    const as = field(argument, 'as')
    const variable = as ? text(as) : 'this'
    const list = parse(input)
    const expression = parse(body)
    return (scope) => {
      const value = list(scope)
      if (isNullish(value)) return nullValue
      const out: Value[] = []
      const variables = new Map(scope.variables)
      for (const item of needItems(name, value)) {
        variables.set(variable, item)
        collect(item, expression({ root: scope.root, variables }), out)
      }
      return arrayValue(out)
    }
  }
}

function unique(lists: Value[][]): Map<string, Value> {
  const found = new Map<string, Value>()
  for (const list of lists) {
    for (const item of list) {
      const key = keyText(item)
      if (!found.has(key)) found.set(key, item)
    }
  }
  return found
}

function onArrays(name: string, least: number, work: (lists: Value[][]) => Value): Operator {
  return (argument, parse) => {
    const list = parseArguments(name, argument, parse, least, many)
    return (scope) => {
      const values = list.map((item) => item(scope))
      if (values.some(isNullish)) return nullValue
      return work(values.map((value) => needItems(name, value)))
    }
  }
}

export const arrayOperators: Record<string, Operator> = {
  $size: (argument, parse) => {
    const [input] = parseArguments('$size', argument, parse, 1)
    return (scope) => int32Value(needItems('$size', input!(scope)).length)
  },
  $isArray: (argument, parse) => {
    const [input] = parseArguments('$isArray', argument, parse, 1)
    return (scope) => boolValue(input!(scope)?.type === T.array)
  },
  $arrayElemAt: (argument, parse) => {
    const [input, index] = parseArguments('$arrayElemAt', argument, parse, 2)
    return (scope) => {
      const value = input!(scope)
      const at = index!(scope)
      if (isNullish(value) || isNullish(at)) return nullValue
      return needItems('$arrayElemAt', value).at(needInteger('$arrayElemAt', at))
    }
  },
  $first: onArray('$first', (list) => list[0]),
  $last: onArray('$last', (list) => list.at(-1)),
  $reverseArray: onArray('$reverseArray', (list) => arrayValue(list.reverse())),
  $in: (argument, parse) => {
    const [wanted, input] = parseArguments('$in', argument, parse, 2)
    return (scope) => {
      const value = wanted!(scope)
      const list = needItems('$in', input!(scope))
      return boolValue(value !== undefined && list.some((item) => equalValues(item, value)))
    }
  },
  $slice: (argument, parse) => {
    const [input, a, b] = parseArguments('$slice', argument, parse, 2, 3)
    return (scope) => {
      const value = input!(scope)
      if (isNullish(value)) return nullValue
      const list = needItems('$slice', value)
      const first = needInteger('$slice', a!(scope))
      if (!b) return arrayValue(first < 0 ? list.slice(first) : list.slice(0, first))
      const count = needInteger('$slice', b(scope))
      if (count <= 0)
        throw new CommandError('BadValue', 'Third argument to $slice must be positive')
      const start = first < 0 ? Math.max(0, list.length + first) : first
      return arrayValue(list.slice(start, start + count))
    }
  },
  $concatArrays: onArrays('$concatArrays', 0, (lists) => arrayValue(lists.flat())),
  $setUnion: onArrays('$setUnion', 0, (lists) => arrayValue(unique(lists).values())),
  $setIntersection: onArrays('$setIntersection', 1, (lists) => {
    const sets = lists.map((list) => unique([list]))
    const [first = new Map<string, Value>(), ...rest] = sets
    return arrayValue(
      [...first].filter(([key]) => rest.every((set) => set.has(key))).map(([, item]) => item),
    )
  }),
  $setDifference: onArrays('$setDifference', 2, ([a = [], b = []]) => {
    const without = unique([b])
    return arrayValue([...unique([a])].filter(([key]) => !without.has(key)).map(([, item]) => item))
  }),
  $map: each('$map', 'in', (_, result, out) => out.push(result ?? nullValue)),
  $filter: each('$filter', 'cond', (item, result, out) => {
    if (truthy(result)) out.push(item)
  }),
  $reduce: (argument, parse) => {
    const [input, initial, body] = ['input', 'initialValue', 'in'].map((name) => {
      const value = argument.type === T.object ? field(argument, name) : undefined
      if (!value) throw new CommandError('BadValue', `$reduce needs ${name}`)
      return parse(value)
    })
    return (scope) => {
      const list = input!(scope)
      if (isNullish(list)) return nullValue
      let value = initial!(scope)
      for (const item of needItems('$reduce', list)) {
        const variables = new Map(scope.variables).set('value', value).set('this', item)
        value = body!({ root: scope.root, variables })
      }
      return value
    }
  },
  $objectToArray: (argument, parse) => {
    const [input] = parseArguments('$objectToArray', argument, parse, 1)
    return (scope) => {
      const value = input!(scope)
      if (!value || isNullish(value)) return nullValue
      if (value.type !== T.object) {
        throw new CommandError('TypeMismatch', '$objectToArray requires an object')
      }
      return arrayValue(
        [...entries(value)].map(([k, v]) =>
          objectValue([
            ['k', stringValue(k)],
            ['v', v],
          ]),
        ),
      )
    }
  },
  $arrayToObject: onArray('$arrayToObject', (list) => {
    const fields = new Map<string, Value>()
    for (const item of list) {
      const pair = item.type === T.array ? items(item) : [field(item, 'k'), field(item, 'v')]
      if (pair.length !== 2 || pair[0]?.type !== T.string || !pair[1]) {
        throw new CommandError('BadValue', '$arrayToObject needs pairs of a string and a value')
      }
      fields.set(text(pair[0]), pair[1])
    }
    return objectValue(fields)
  }),
}
