/**
 * Arithmetic as MongoDB does it: the result has the widest type of the operands
 * (int < long < double < decimal), an int that overflows becomes a long.
 */
import { Decimal128 } from 'bson'
import { CommandError } from '../errors.ts'
import { decimalValue, doubleValue, int32Value, int64Value, T, type Value } from './value.ts'

const maxInt64 = (1n << 63n) - 1n
const minInt64 = -(1n << 63n)

/** As a JavaScript number; longs and decimals may round. */
export function toNumber(value: Value): number {
  switch (value.type) {
    case T.int32:
      return value.bytes.readInt32LE(value.start)
    case T.double:
      return value.bytes.readDoubleLE(value.start)
    case T.int64:
      return Number(value.bytes.readBigInt64LE(value.start))
    case T.decimal:
      return Number(decimalText(value))
    default:
      return Number.NaN
  }
}

/** Exact, for int and long. */
export function toBigInt(value: Value): bigint {
  return value.type === T.int32
    ? BigInt(value.bytes.readInt32LE(value.start))
    : value.bytes.readBigInt64LE(value.start)
}

export function isInteger(value: Value): boolean {
  return value.type === T.int32 || value.type === T.int64
}

export function decimalText(value: Value): string {
  return new Decimal128(value.bytes.subarray(value.start, value.end)).toString()
}

/** A finite number as coefficient x 10^exponent; undefined for NaN and the infinities. */
export function decimalParts(value: Value): { coefficient: bigint; exponent: number } | undefined {
  const textual = value.type === T.decimal ? decimalText(value) : String(plain(value))
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(textual)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  return {
    coefficient: BigInt(`${sign}${whole}${fraction}`),
    exponent: Number(exponent) - fraction.length,
  }
}

function plain(value: Value): number | bigint {
  return value.type === T.double ? toNumber(value) : toBigInt(value)
}

function decimalOf(coefficient: bigint, exponent: number): Value {
  return decimalValue(Decimal128.fromStringWithRounding(`${coefficient}E${exponent}`).bytes)
}

export function integerValue(value: bigint, wide: boolean): Value {
  if (!wide && value >= -2147483648n && value <= 2147483647n) return int32Value(Number(value))
  return int64Value(value)
}

/** A count: int while it fits, like MongoDB's own counters. */
export function countValue(value: number): Value {
  return value <= 2147483647 ? int32Value(value) : int64Value(BigInt(value))
}

type Operation = 'add' | 'subtract' | 'multiply'

/**
 * @param overflow what a long that does not fit becomes: an error (updates) or a double
 *   (aggregation), as in MongoDB
 */
export function arithmetic(
  operation: Operation,
  left: Value,
  right: Value,
  overflow: 'error' | 'double',
): Value {
  if (left.type === T.decimal || right.type === T.decimal) return decimal(operation, left, right)
  if (left.type === T.double || right.type === T.double) {
    return doubleValue(onNumbers(operation, toNumber(left), toNumber(right)))
  }
  const a = toBigInt(left)
  const b = toBigInt(right)
  const result = operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b
  if (result > maxInt64 || result < minInt64) {
    if (overflow === 'double') return doubleValue(Number(result))
    throw new CommandError('BadValue', `the result ${result} does not fit in a 64-bit integer`)
  }
  return integerValue(result, left.type === T.int64 || right.type === T.int64)
}

function onNumbers(operation: Operation, a: number, b: number): number {
  return operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b
}

function decimal(operation: Operation, left: Value, right: Value): Value {
  const a = decimalParts(left)
  const b = decimalParts(right)
  if (!a || !b) {
    // NaN and the infinities follow the same rules in binary floating point.
    const result = onNumbers(operation, toNumber(left), toNumber(right))
    const name = Number.isNaN(result) ? 'NaN' : result > 0 ? 'Infinity' : '-Infinity'
    return decimalValue(Decimal128.fromString(name).bytes)
  }
  if (operation === 'multiply') {
    return decimalOf(a.coefficient * b.coefficient, a.exponent + b.exponent)
  }
  const exponent = Math.min(a.exponent, b.exponent)
  // Aligning 1E6000 with 1E-6000 would need 12,000 digits; 34 are kept, so the small one is lost.
  const spread = Math.abs(a.exponent - b.exponent)
  if (spread > 7000) return a.exponent > b.exponent ? decimalOf(a.coefficient, a.exponent) : right
  const x = a.coefficient * 10n ** BigInt(a.exponent - exponent)
  const y = b.coefficient * 10n ** BigInt(b.exponent - exponent)
  return decimalOf(operation === 'add' ? x + y : x - y, exponent)
}
