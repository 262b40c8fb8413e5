/** Aggregation expressions, compiled once into functions over BSON values. */
import {
  dateValue,
  Elements,
  entries,
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
import { type Expression, follow, type Operator } from './operator.ts'
import { stringOperators } from './string-operators.ts'

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
