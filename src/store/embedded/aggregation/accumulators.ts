import { compareValues } from '../bson/compare.ts'
import { keyText } from '../bson/key.ts'
import { arithmetic, countValue } from '../bson/numbers.ts'
import { entries, int32Value, isEmpty, isNumber, nullValue, T, type Value } from '../bson/value.ts'
import { arrayValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { average } from './arithmetic-operators.ts'
import { parseExpression } from './expression.ts'
import { mergeObjects } from './logic-operators.ts'
import { type Expression, isNullish } from './operator.ts'

/** One field of one group while documents come in. */
interface Accumulator {
  add(value: Value | undefined): void
  result(): Value
  /** Bytes it holds, for the memory limit. */
  size: number
}

class Sum implements Accumulator {
  size = 0
  private total: Value = int32Value(0)
  add(value: Value | undefined) {
    if (isNumber(value)) this.total = arithmetic('add', this.total, value, 'double')
  }
  result() {
    return this.total
  }
}

class Average implements Accumulator {
  size = 0
  private total: Value = int32Value(0)
  private count = 0
  add(value: Value | undefined) {
    if (!isNumber(value)) return
    this.total = arithmetic('add', this.total, value, 'double')
    this.count++
  }
  result() {
    return average(this.total, this.count)
  }
}

class Extreme implements Accumulator {
  size = 0
  private best: Value | undefined
  private readonly sign: number
  constructor(sign: 1 | -1) {
    this.sign = sign
  }
  add(value: Value | undefined) {
    if (!value || isNullish(value)) return
    if (!this.best || compareValues(value, this.best) * this.sign > 0) this.best = value
  }
  result() {
    return this.best ?? nullValue
  }
}

class Edge implements Accumulator {
  size = 0
  private value: Value | undefined
  private isSet = false
  private readonly first: boolean
  constructor(first: boolean) {
    this.first = first
  }
  add(value: Value | undefined) {
    if (this.first && this.isSet) return
    this.isSet = true
    this.value = value
  }
  result() {
    return this.value ?? nullValue
  }
}

class List implements Accumulator {
  size = 0
  private readonly values: Value[] = []
  private readonly seen: Set<string> | undefined
  constructor(unique: boolean) {
    this.seen = unique ? new Set() : undefined
  }
  add(value: Value | undefined) {
    if (!value) return
    if (this.seen) {
      const key = keyText(value)
      if (this.seen.has(key)) return
      this.seen.add(key)
    }
    this.values.push(value)
    this.size += value.size + 50
  }
  result() {
    return arrayValue(this.values)
  }
}

class Merge implements Accumulator {
  size = 0
  private merged: Value | undefined
  add(value: Value | undefined) {
    this.merged = mergeObjects([this.merged, value])
    this.size = this.merged.size
  }
  result() {
    return this.merged ?? mergeObjects([])
  }
}

class Count implements Accumulator {
  size = 0
  private count = 0
  add() {
    this.count++
  }
  result() {
    return countValue(this.count)
  }
}

const kinds: Record<string, () => Accumulator> = {
  $sum: () => new Sum(),
  $avg: () => new Average(),
  $min: () => new Extreme(-1),
  $max: () => new Extreme(1),
  $first: () => new Edge(true),
  $last: () => new Edge(false),
  $push: () => new List(false),
  $addToSet: () => new List(true),
  $mergeObjects: () => new Merge(),
  $count: () => new Count(),
}

export const accumulatorNames = Object.keys(kinds)

export interface GroupField {
  name: string
  expression: Expression
  start: () => Accumulator
}

/** Parses `{total: {$sum: '$n'}}`. */
export function parseAccumulator(name: string, spec: Value): GroupField {
  const list = spec.type === T.object ? [...entries(spec)] : []
  const [only] = list
  if (!only || list.length !== 1) {
    throw new CommandError('BadValue', `The field '${name}' must be an accumulator object`)
  }
  const [operator, argument] = only
  const start = Object.hasOwn(kinds, operator) ? kinds[operator] : undefined
  if (!start) {
    throw new CommandError('InvalidPipelineOperator', `unknown group operator '${operator}'`)
  }
  if (operator === '$count' && !(argument.type === T.object && isEmpty(argument))) {
    throw new CommandError('TypeMismatch', '$count takes no arguments, i.e. $count: {}')
  }
  return {
    name,
    start,
    expression: operator === '$count' ? () => undefined : parseExpression(argument),
  }
}
