/** What all expression operators are made of. */
import { entries, field, items, T, type Value } from '../bson/value.ts'
import { arrayValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'

export interface Scope {
  root: Value
  variables: ReadonlyMap<string, Value | undefined>
}

/** undefined is "missing", which is not the same as null: a missing field is not written. */
export type Expression = (scope: Scope) => Value | undefined

/** Compiles the argument of one operator. */
export type Operator = (argument: Value, parse: Parse) => Expression
export type Parse = (value: Value) => Expression

/** In expressions a path through an array gives the array of what its elements have there. */
export function follow(value: Value | undefined, parts: string[], at: number): Value | undefined {
  if (!value || at === parts.length) return value
  if (value.type === T.object) return follow(field(value, parts[at]!), parts, at + 1)
  if (value.type !== T.array) return undefined
  const found: Value[] = []
  for (const item of items(value)) {
    if (item.type !== T.object) continue
    const inner = follow(field(item, parts[at]!), parts, at + 1)
    if (inner) found.push(inner)
  }
  return arrayValue(found)
}

/** The arguments of an operator: an array is a list of them, anything else is the only one. */
export function parseArguments(
  name: string,
  argument: Value,
  parse: Parse,
  least: number,
  most = least,
): Expression[] {
  const list = (argument.type === T.array ? items(argument) : [argument]).map(parse)
  if (list.length < least || list.length > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`
    throw new CommandError(
      'BadValue',
      `Expression ${name} takes ${wanted} arguments. ${list.length} were passed in.`,
    )
  }
  return list
}

/** The named arguments of an operator such as $cond or $dateToString. */
export function namedArguments<const Name extends string>(
  operatorName: string,
  argument: Value,
  parse: Parse,
  required: readonly Name[],
  optional: readonly Name[] = [],
): Partial<Record<Name, Expression>> {
  if (argument.type !== T.object) {
    throw new CommandError('BadValue', `${operatorName} only supports an object as its argument`)
  }
  const found: Partial<Record<Name, Expression>> = {}
  for (const [name, value] of entries(argument)) {
    if (![...required, ...optional].includes(name as Name)) {
      throw new CommandError('BadValue', `Unrecognized argument to ${operatorName}: ${name}`)
    }
    found[name as Name] = parse(value)
  }
  for (const name of required) {
    if (!found[name]) {
      throw new CommandError('BadValue', `Missing '${name}' parameter to ${operatorName}`)
    }
  }
  return found
}

export function isNullish(value: Value | undefined): boolean {
  return !value || value.type === T.null || value.type === T.undefined
}
