import { compareValues } from '../bson/compare.ts'
import {
  boolValue,
  entries,
  field,
  int32Value,
  items,
  T,
  truthy,
  undefinedValue,
  type Value,
} from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { isNullish, namedArguments, type Operator, type Parse, parseArguments } from './operator.ts'

/** Missing compares below null, as undefined does. */
function order(a: Value | undefined, b: Value | undefined): number {
  return Math.sign(compareValues(a ?? undefinedValue, b ?? undefinedValue))
}

function comparison(name: string, result: (order: number) => Value): Operator {
  return (argument, parse) => {
    const [a, b] = parseArguments(name, argument, parse, 2)
    return (scope) => result(order(a!(scope), b!(scope)))
  }
}

const many = Number.POSITIVE_INFINITY

function cond(argument: Value, parse: Parse) {
  const named =
    argument.type === T.object
      ? namedArguments('$cond', argument, parse, ['if', 'then', 'else'])
      : undefined
  const [condition, yes, no] = named
    ? [named.if, named.then, named.else]
    : parseArguments('$cond', argument, parse, 3)
  return (scope: Parameters<NonNullable<typeof yes>>[0]) =>
    truthy(condition!(scope)) ? yes!(scope) : no!(scope)
}

export const logicOperators: Record<string, Operator> = {
  $cmp: comparison('$cmp', int32Value),
  $eq: comparison('$eq', (o) => boolValue(o === 0)),
  $ne: comparison('$ne', (o) => boolValue(o !== 0)),
  $gt: comparison('$gt', (o) => boolValue(o > 0)),
  $gte: comparison('$gte', (o) => boolValue(o >= 0)),
  $lt: comparison('$lt', (o) => boolValue(o < 0)),
  $lte: comparison('$lte', (o) => boolValue(o <= 0)),
  $and: (argument, parse) => {
    const list = parseArguments('$and', argument, parse, 0, many)
    return (scope) => boolValue(list.every((item) => truthy(item(scope))))
  },
  $or: (argument, parse) => {
    const list = parseArguments('$or', argument, parse, 0, many)
    return (scope) => boolValue(list.some((item) => truthy(item(scope))))
  },
  $not: (argument, parse) => {
    const [only] = parseArguments('$not', argument, parse, 1)
    return (scope) => boolValue(!truthy(only!(scope)))
  },
  $cond: cond,
  $ifNull: (argument, parse) => {
    const list = parseArguments('$ifNull', argument, parse, 2, many)
    return (scope) => {
      for (const item of list.slice(0, -1)) {
        const value = item(scope)
        if (!isNullish(value)) return value
      }
      return list.at(-1)!(scope)
    }
  },
  $switch: (argument, parse) => {
    const branches = field(argument, 'branches')
    const otherwise = field(argument, 'default')
    if (branches?.type !== T.array) throw new CommandError('BadValue', '$switch needs branches')
    const cases = items(branches).map((branch) =>
      namedArguments('$switch', branch, parse, ['case', 'then']),
    )
    const fallback = otherwise && parse(otherwise)
    return (scope) => {
      for (const { case: condition, then } of cases) {
        if (truthy(condition!(scope))) return then!(scope)
      }
      if (fallback) return fallback(scope)
      throw new CommandError('BadValue', '$switch could not find a matching branch')
    }
  },
  $let: (argument, parse) => {
    const names = field(argument, 'vars')
    const body = field(argument, 'in')
    if (names?.type !== T.object || !body) {
      throw new CommandError('BadValue', '$let needs vars and in')
    }
    const fields = [...entries(names)].map(([name, value]) => [name, parse(value)] as const)
    const result = parse(body)
    return (scope) => {
      const variables = new Map(scope.variables)
      for (const [name, expression] of fields) variables.set(name, expression(scope))
      return result({ root: scope.root, variables })
    }
  },
  $mergeObjects: (argument, parse) => {
    const list = parseArguments('$mergeObjects', argument, parse, 1, many)
    return (scope) => mergeObjects(list.map((item) => item(scope)))
  },
}

export function mergeObjects(values: (Value | undefined)[]): Value {
  const merged = new Map<string, Value>()
  for (const value of values) {
    if (!value || isNullish(value)) continue
    if (value.type !== T.object) {
      throw new CommandError('TypeMismatch', '$mergeObjects requires object inputs')
    }
    for (const [name, item] of entries(value)) merged.set(name, item)
  }
  return objectValue(merged)
}
