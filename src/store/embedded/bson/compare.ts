import { bracketOfType, encodeKey } from './key.ts'
import { toBigInt, toNumber } from './numbers.ts'
import { Elements, T, type Value } from './value.ts'

/**
 * MongoDB's comparison order over all types (manual: "Comparison/Sort Order"): type brackets
 * first, numbers of any type by exact value, strings by bytes. Agrees with the bytes of key.ts.
 */
export function compareValues(a: Value, b: Value): number {
  const difference = bracketOfType(a.type) - bracketOfType(b.type)
  if (difference !== 0) return difference
  switch (a.type) {
    case T.int32:
    case T.int64:
    case T.double:
    case T.decimal:
      return compareNumbers(a, b)
    case T.string:
    case T.symbol:
    case T.code:
      return a.bytes.compare(b.bytes, b.start + 4, b.end - 1, a.start + 4, a.end - 1)
    case T.objectId:
    case T.bool:
      return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end)
    case T.date: {
      const [x, y] = [a.bytes.readBigInt64LE(a.start), b.bytes.readBigInt64LE(b.start)]
      return x < y ? -1 : x > y ? 1 : 0
    }
    case T.object:
    case T.array:
      return compareLists(a, b)
    default:
      return Buffer.compare(encodeKey(a), encodeKey(b))
  }
}

export function equalValues(a: Value, b: Value): boolean {
  return compareValues(a, b) === 0
}

/** Same type and same bytes: 1 and 1.0 are equal but not identical. */
export function identical(a: Value, b: Value): boolean {
  return a.type === b.type && a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end) === 0
}

function compareNumbers(a: Value, b: Value): number {
  if (a.type !== T.decimal && b.type !== T.decimal) {
    if (a.type !== T.double && b.type !== T.double && (a.type === T.int64 || b.type === T.int64)) {
      const [x, y] = [toBigInt(a), toBigInt(b)]
      return x < y ? -1 : x > y ? 1 : 0
    }
    const [x, y] = [toNumber(a), toNumber(b)]
    // A long beyond 2^53 would round here; those go the exact way below.
    if (
      (a.type !== T.int64 || Number.isSafeInteger(x)) &&
      (b.type !== T.int64 || Number.isSafeInteger(y))
    ) {
      if (x < y) return -1
      if (x > y) return 1
      // NaN is the least number and equal to itself.
      return x === y ? 0 : Number(Number.isNaN(y)) - Number(Number.isNaN(x))
    }
  }
  return Buffer.compare(encodeKey(a), encodeKey(b))
}

function compareLists(a: Value, b: Value): number {
  const left = new Elements(a)
  const right = new Elements(b)
  for (;;) {
    const more = left.next()
    if (!right.next()) return more ? 1 : 0
    if (!more) return -1
    const types = bracketOfType(left.type) - bracketOfType(right.type)
    if (types !== 0) return types
    if (a.type === T.object) {
      const names = left.bytes.compare(
        right.bytes,
        right.nameStart,
        right.nameEnd,
        left.nameStart,
        left.nameEnd,
      )
      if (names !== 0) return names
    }
    const values = compareValues(left.value(), right.value())
    if (values !== 0) return values
  }
}
