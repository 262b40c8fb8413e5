/** Aggregation expressions, compiled once into functions over BSON values. */
import {
  dateValue,
  Elements,
  entries,
  field,
  firstName,
  items,
  nullValue,
  T,
  text,
  type Value,
} from '../bson/value.ts'
import { arrayValue, objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { arithmeticOperators } from './arithmetic-operators.ts'
import { arrayOperators } from './array-operators.ts'
import { dateOperators } from './date-operators.ts'
import { logicOperators } from './logic-operators.ts'
import { stringOperators } from './string-operators.ts'

export interface Scope {
  root: Value
  variables: ReadonlyMap<string, Value | undefined>
}

/** undefined is "missing", which is not the same as null: a missing field is not written. */
export type Expression = (scope: Scope) => Value | undefined

/** Compiles the argument of one operator. */
export type Operator = (argument: Value, parse: Parse) => Expression
export type Parse = (value: Value) => Expression

const operators = new Map<string, Operator>(
  Object.entries({
    ...logicOperators,
    ...arithmeticOperators,
    ...stringOperators,
    ...arrayOperators,
    ...dateOperators,
    $literal: (argument: Value) => () => argument,
  }),
)

export const expressionOperators = [...operators.keys()]

const noVariables: ReadonlyMap<string, Value> = new Map()

/**
 * @param variables values of `let`, known when compiling
 * @throws {CommandError} InvalidPipelineOperator for an operator that is not implemented
 */
export function parseExpression(
  value: Value,
  variables: ReadonlyMap<string, Value> = noVariables,
): Expression {
  const expression = compile(value)
  if (variables.size === 0) return expression
  return (scope) =>
    expression({ root: scope.root, variables: new Map([...variables, ...scope.variables]) })
}

export function evaluate(expression: Expression, root: Value): Value | undefined {
  return expression({ root, variables: noVariables })
}

function compile(value: Value): Expression {
  if (value.type === T.string) {
    const content = text(value)
    if (content.startsWith('$$')) return variable(content.slice(2))
    if (content.startsWith('$')) return fieldPath(content.slice(1))
    return () => value
  }
  if (value.type === T.array) {
    const list = items(value).map(compile)
    return (scope) => arrayValue(list.map((item) => item(scope) ?? nullValue))
  }
  if (value.type !== T.object) return () => value
  const name = firstName(value)
  if (name?.startsWith('$')) return operator(name, value)
  const fields = [...entries(value)].map(([key, item]) => {
    if (key.startsWith('$') || key.includes('.')) {
      throw new CommandError('BadValue', `FieldPath field names may not be '${key}'`)
    }
    return [key, compile(item)] as const
  })
  return (scope) => {
    const list: [string, Value][] = []
    for (const [key, expression] of fields) {
      const item = expression(scope)
      if (item) list.push([key, item])
    }
    return objectValue(list)
  }
}

function operator(name: string, value: Value): Expression {
  const elements = new Elements(value)
  elements.next()
  const argument = elements.value()
  if (elements.next()) {
    throw new CommandError(
      'BadValue',
      `an object representing an expression must have exactly one field, ${name} has company`,
    )
  }
  const make = operators.get(name)
  if (!make) throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${name}'`)
  return make(argument, compile)
}

function fieldPath(path: string): Expression {
  const parts = pathParts(path)
  return (scope) => follow(scope.root, parts, 0)
}

function pathParts(path: string): string[] {
  const parts = path.split('.')
  if (parts.some((part) => part === '' || part.startsWith('$'))) {
    throw new CommandError('BadValue', `invalid field path '$${path}'`)
  }
  return parts
}

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

function variable(path: string): Expression {
  const [name = '', ...parts] = path.split('.')
  switch (name) {
    case 'ROOT':
    case 'CURRENT':
      return (scope) => follow(scope.root, parts, 0)
    case 'REMOVE':
      return () => undefined
    case 'NOW': {
      // Compiled once a command, so every document sees the same moment.
      const now = dateValue(BigInt(Date.now()))
      return () => now
    }
  }
  if (!/^[a-z]/.test(name)) {
    throw new CommandError('BadValue', `Use of undefined variable: ${name}`)
  }
  return (scope) => {
    if (!scope.variables.has(name)) {
      throw new CommandError('BadValue', `Use of undefined variable: ${name}`)
    }
    return follow(scope.variables.get(name), parts, 0)
  }
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

export function need(value: Value, type: number, who: string): Value {
  if (value.type === type) return value
  throw new CommandError('TypeMismatch', `${who} got a value of the wrong type`)
}
