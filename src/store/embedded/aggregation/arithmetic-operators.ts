import { compareValues } from '../bson/compare.ts'
import { arithmetic, integerValue, isInteger, toBigInt, toNumber } from '../bson/numbers.ts'
import {
  boolValue,
  dateMs,
  dateValue,
  doubleValue,
  int32Value,
  int64Value,
  isNumber,
  items,
  nullValue,
  stringValue,
  T,
  text,
  truthy,
  typeNames,
  type Value,
} from '../bson/value.ts'
import { CommandError, unsupported } from '../errors.ts'
import { isoDate } from './dates.ts'
import { isNullish, type Operator, parseArguments } from './operator.ts'

const many = Number.POSITIVE_INFINITY

function needNumber(name: string, value: Value | undefined): Value {
  if (isNumber(value)) return value
  const what = value ? typeNames[value.type] : 'missing'
  throw new CommandError('TypeMismatch', `${name} only supports numeric types, not ${what}`)
}

/** Null and missing make the result null. */
function onNumbers(name: string, count: number, work: (...values: Value[]) => Value): Operator {
  return (argument, parse) => {
    const list = parseArguments(name, argument, parse, count)
    return (scope) => {
      const values = list.map((item) => item(scope))
      if (values.some(isNullish)) return nullValue
      return work(...values.map((value) => needNumber(name, value)))
    }
  }
}

/** Rounding keeps the type; whole numbers are already round. */
function rounding(name: string, round: (value: number) => number): Operator {
  return onNumbers(name, 1, (value) => {
    if (isInteger(value)) return value
    if (value.type === T.decimal) throw unsupported(`${name} of a Decimal128`)
    return doubleValue(round(toNumber(value)))
  })
}

/** $round and $trunc with an optional number of decimal places. */
function places(name: string, round: (value: number) => number): Operator {
  return (argument, parse) => {
    const [input, digits] = parseArguments(name, argument, parse, 1, 2)
    return (scope) => {
      const value = input!(scope)
      if (isNullish(value)) return nullValue
      const number = needNumber(name, value)
      const place = digits ? toNumber(needNumber(name, digits(scope))) : 0
      if (number.type === T.decimal) throw unsupported(`${name} of a Decimal128`)
      if (isInteger(number) && place >= 0) return number
      const factor = 10 ** place
      const result = round(toNumber(number) * factor) / factor
      return isInteger(number)
        ? integerValue(BigInt(result), number.type === T.int64)
        : doubleValue(result)
    }
  }
}

/** Half goes to the even neighbour, as in MongoDB. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

function addition(name: '$add' | '$multiply'): Operator {
  return (argument, parse) => {
    const list = parseArguments(name, argument, parse, 0, many)
    return (scope) => {
      let sum: Value = int32Value(name === '$add' ? 0 : 1)
      let hasDate = false
      for (const item of list) {
        let value = item(scope)
        if (!value || isNullish(value)) return nullValue
        if (value.type === T.date && name === '$add') {
          if (hasDate) throw new CommandError('TypeMismatch', 'only one date allowed in an $add')
          hasDate = true
          value = int64Value(BigInt(dateMs(value)))
        }
        sum = arithmetic(
          name === '$add' ? 'add' : 'multiply',
          sum,
          needNumber(name, value),
          'double',
        )
      }
      return hasDate ? dateValue(BigInt(Math.round(toNumber(sum)))) : sum
    }
  }
}

function subtract(a: Value | undefined, b: Value | undefined): Value {
  if (!a || !b || isNullish(a) || isNullish(b)) return nullValue
  if (a.type === T.date) {
    if (b.type === T.date) return int64Value(BigInt(dateMs(a)) - BigInt(dateMs(b)))
    return dateValue(BigInt(Math.round(dateMs(a) - toNumber(needNumber('$subtract', b)))))
  }
  return arithmetic('subtract', needNumber('$subtract', a), needNumber('$subtract', b), 'double')
}

function modulo(a: Value, b: Value): Value {
  if (a.type === T.decimal || b.type === T.decimal) throw unsupported('$mod of a Decimal128')
  if (toNumber(b) === 0) throw new CommandError('BadValue', "can't $mod by zero")
  if (isInteger(a) && isInteger(b)) {
    return integerValue(toBigInt(a) % toBigInt(b), a.type === T.int64 || b.type === T.int64)
  }
  return doubleValue(toNumber(a) % toNumber(b))
}

function divide(a: Value, b: Value): Value {
  if (a.type === T.decimal || b.type === T.decimal) throw unsupported('$divide of a Decimal128')
  if (toNumber(b) === 0) throw new CommandError('BadValue', "can't $divide by zero")
  return doubleValue(toNumber(a) / toNumber(b))
}

/** The operands of $sum, $avg, $min, $max as expressions: one array, or each argument. */
function folding(name: string, fold: (values: Value[]) => Value): Operator {
  return (argument, parse) => {
    const list = parseArguments(name, argument, parse, 1, many)
    return (scope) => {
      const values = list.map((item) => item(scope))
      const only = values.length === 1 && values[0]?.type === T.array ? items(values[0]) : values
      return fold(only.filter((value): value is Value => !isNullish(value)))
    }
  }
}

export function sum(values: Value[]): Value {
  let total: Value = int32Value(0)
  for (const value of values) if (isNumber(value)) total = arithmetic('add', total, value, 'double')
  return total
}

export function average(total: Value, count: number): Value {
  if (count === 0) return nullValue
  if (total.type === T.decimal) throw unsupported('$avg of Decimal128')
  return doubleValue(toNumber(total) / count)
}

function extreme(values: Value[], sign: 1 | -1): Value {
  let best: Value | undefined
  for (const value of values) {
    if (!best || compareValues(value, best) * sign > 0) best = value
  }
  return best ?? nullValue
}

function conversion(name: string, convert: (value: Value) => Value | undefined): Operator {
  return (argument, parse) => {
    const [input] = parseArguments(name, argument, parse, 1)
    return (scope) => {
      const value = input!(scope)
      if (!value || isNullish(value)) return nullValue
      const converted = convert(value)
      if (converted) return converted
      throw new CommandError('ConversionFailure', `${name} cannot convert ${typeNames[value.type]}`)
    }
  }
}

function numeric(value: Value): number | undefined {
  if (value.type === T.bool) return truthy(value) ? 1 : 0
  if (isNumber(value)) return toNumber(value)
  if (value.type === T.date) return dateMs(value)
  if (value.type === T.string && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text(value))) {
    return Number(text(value))
  }
  return undefined
}

function toInteger(value: Value, wide: boolean): Value | undefined {
  if (value.type === T.int64 && wide) return value
  const number = numeric(value)
  if (number === undefined || !Number.isFinite(number)) return undefined
  if (value.type === T.string && !Number.isInteger(number)) return undefined
  if (value.type === T.date && !wide) return undefined
  const whole = Math.trunc(number)
  if (wide ? Math.abs(whole) >= 2 ** 63 : whole !== (whole | 0)) return undefined
  return wide ? int64Value(BigInt(whole)) : int32Value(whole)
}

function toText(value: Value): Value | undefined {
  if (value.type === T.string) return value
  if (value.type === T.bool) return stringValue(String(truthy(value)))
  if (value.type === T.objectId) {
    return stringValue(value.bytes.toString('hex', value.start, value.end))
  }
  if (value.type === T.date) return stringValue(isoDate(dateMs(value)))
  if (isInteger(value)) return stringValue(String(toBigInt(value)))
  if (value.type === T.double) return stringValue(String(toNumber(value)))
  return undefined
}

export const arithmeticOperators: Record<string, Operator> = {
  $add: addition('$add'),
  $multiply: addition('$multiply'),
  $subtract: (argument, parse) => {
    const [a, b] = parseArguments('$subtract', argument, parse, 2)
    return (scope) => subtract(a!(scope), b!(scope))
  },
  $divide: onNumbers('$divide', 2, (a, b) => divide(a!, b!)),
  $mod: onNumbers('$mod', 2, (a, b) => modulo(a!, b!)),
  $abs: onNumbers('$abs', 1, (value) =>
    toNumber(value!) < 0 ? arithmetic('multiply', value!, int32Value(-1), 'double') : value!,
  ),
  $ceil: rounding('$ceil', Math.ceil),
  $floor: rounding('$floor', Math.floor),
  $round: places('$round', roundHalfEven),
  $trunc: places('$trunc', Math.trunc),
  $sqrt: onNumbers('$sqrt', 1, (value) => doubleValue(Math.sqrt(toNumber(value!)))),
  $sum: folding('$sum', sum),
  $avg: folding('$avg', (values) => {
    const numbers = values.filter(isNumber)
    return average(sum(numbers), numbers.length)
  }),
  $min: folding('$min', (values) => extreme(values, -1)),
  $max: folding('$max', (values) => extreme(values, 1)),
  $type: (argument, parse) => {
    const [input] = parseArguments('$type', argument, parse, 1)
    return (scope) => {
      const value = input!(scope)
      return stringValue(value ? typeNames[value.type]! : 'missing')
    }
  },
  $isNumber: (argument, parse) => {
    const [input] = parseArguments('$isNumber', argument, parse, 1)
    return (scope) => boolValue(isNumber(input!(scope)))
  },
  $toInt: conversion('$toInt', (value) => toInteger(value, false)),
  $toLong: conversion('$toLong', (value) => toInteger(value, true)),
  $toDouble: conversion('$toDouble', (value) => {
    const number = numeric(value)
    return number === undefined ? undefined : doubleValue(number)
  }),
  $toString: conversion('$toString', toText),
  $toBool: conversion('$toBool', (value) => boolValue(truthy(value))),
  $toDate: conversion('$toDate', (value) => {
    if (value.type === T.date) return value
    if (value.type === T.objectId)
      return dateValue(BigInt(value.bytes.readUInt32BE(value.start)) * 1000n)
    const ms = value.type === T.string ? Date.parse(text(value)) : numeric(value)
    if (value.type === T.int32 || value.type === T.bool || ms === undefined) return undefined
    return Number.isNaN(ms) ? undefined : dateValue(BigInt(Math.trunc(ms)))
  }),
}
