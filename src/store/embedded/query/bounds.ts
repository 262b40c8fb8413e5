/** Which stretch of an index a test on a field can be answered from. */
import { bracket, bracketOfType, encodeKey, KeyWriter } from '../bson/key.ts'
import { toNumber } from '../bson/numbers.ts'
import { isNumber, T, type Value } from '../bson/value.ts'
import type { Test } from './filter.ts'

/** A place in the key order: before or after everything that starts with `key`. */
export interface Bound {
  key: Buffer
  after: boolean
}

/** One component's values from `lo` to `hi`; a point when both are one value. */
export interface Interval {
  lo: Bound
  hi: Bound
  isPoint: boolean
}

export interface Bounds {
  intervals: Interval[]
  /** The bounds say exactly what the test says, so documents need not be looked at again. */
  exact: boolean
}

function point(value: Value): Interval {
  const key = encodeKey(value)
  return { lo: { key, after: false }, hi: { key, after: true }, isPoint: true }
}

function wholeBracket(byte: number): Interval {
  const key = Buffer.from([byte])
  return { lo: { key, after: false }, hi: { key, after: true }, isPoint: false }
}

const afterNaN: Bound = { key: Buffer.from([bracket.number, 0]), after: true }

/** Types whose whole order is in the key and where an array element compares like the value. */
const ordered = new Set<number>([
  T.int32,
  T.int64,
  T.double,
  T.decimal,
  T.string,
  T.date,
  T.objectId,
  T.bool,
  T.binary,
  T.timestamp,
])

/** undefined when an index is of no use for the test. */
export function boundsOf(test: Test): Bounds | undefined {
  switch (test.op) {
    case 'eq':
      return equalTo([test.value])
    case 'in':
      return test.regexes.length === 0 ? equalTo(test.values) : undefined
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return rangeOf(test.op, test.value)
    case 'regex':
      return test.prefix === undefined ? undefined : startingWith(test.prefix)
    case 'elemMatch': {
      const inner = test.tests?.map(boundsOf).find((bounds) => bounds !== undefined)
      return inner && { intervals: inner.intervals, exact: false }
    }
    default:
      return undefined
  }
}

function equalTo(values: Value[]): Bounds | undefined {
  // An array equals the whole array or an element: only its elements are in the index.
  if (values.some(({ type }) => type === T.array)) return undefined
  // Missing fields are indexed as null but {a: null} is not true of all of them.
  const exact = !values.some(({ type }) => type === T.null || type === T.undefined)
  return { intervals: normalise(values.map(point)), exact }
}

function rangeOf(op: 'gt' | 'gte' | 'lt' | 'lte', value: Value): Bounds | undefined {
  const isInclusive = op === 'gte' || op === 'lte'
  if (value.type === T.null) return isInclusive ? equalTo([value]) : undefined
  if (!ordered.has(value.type)) return undefined
  if (isNumber(value) && Number.isNaN(toNumber(value))) {
    return isInclusive ? equalTo([value]) : { intervals: [], exact: true }
  }
  const { lo, hi } = wholeBracket(bracketOfType(value.type))
  const key = encodeKey(value)
  const interval =
    op === 'gt' || op === 'gte'
      ? { lo: { key, after: op === 'gt' }, hi, isPoint: false }
      : { lo: isNumber(value) ? afterNaN : lo, hi: { key, after: op === 'lte' }, isPoint: false }
  return { intervals: [interval], exact: true }
}

const writer = new KeyWriter()

function startingWith(prefix: string): Bounds {
  writer.reset()
  writer.stringPrefix(prefix)
  const key = writer.take()
  const strings = { lo: { key, after: false }, hi: { key, after: true }, isPoint: false }
  // A stored regex that is the same as the query's matches too.
  return { intervals: [strings, wholeBracket(bracket.regex)], exact: false }
}

/** The least bytes beyond everything that starts with `key`; a key's first byte is never ff. */
function successor(key: Buffer): Buffer {
  let length = key.length
  while (key[length - 1] === 0xff) length--
  const next = Buffer.from(key.subarray(0, length))
  next[length - 1]!++
  return next
}

export function boundBytes({ key, after }: Bound): Buffer {
  return after ? successor(key) : key
}

function invert(key: Buffer): Buffer {
  const inverted = Buffer.allocUnsafe(key.length)
  for (let i = 0; i < key.length; i++) inverted[i] = ~key[i]! & 0xff
  return inverted
}

/** The same values in a descending component: inverted bytes, ends exchanged. */
export function descending(interval: Interval): Interval {
  return {
    lo: { key: invert(interval.hi.key), after: !interval.hi.after },
    hi: { key: invert(interval.lo.key), after: !interval.lo.after },
    isPoint: interval.isPoint,
  }
}

function compareBounds(a: Bound, b: Bound): number {
  return Buffer.compare(boundBytes(a), boundBytes(b))
}

/** In order and without overlap, so that no entry is met twice. */
export function normalise(intervals: Interval[]): Interval[] {
  if (intervals.length < 2) return intervals
  const sorted = [...intervals].sort((a, b) => compareBounds(a.lo, b.lo))
  const merged: Interval[] = []
  for (const interval of sorted) {
    const last = merged.at(-1)
    if (last && compareBounds(interval.lo, last.hi) < 0) {
      if (compareBounds(interval.hi, last.hi) > 0) {
        merged[merged.length - 1] = { lo: last.lo, hi: interval.hi, isPoint: false }
      }
    } else {
      merged.push(interval)
    }
  }
  return merged
}

export function intersect(a: Interval[], b: Interval[]): Interval[] {
  const common: Interval[] = []
  for (const x of a) {
    for (const y of b) {
      const lo = compareBounds(x.lo, y.lo) >= 0 ? x.lo : y.lo
      const hi = compareBounds(x.hi, y.hi) <= 0 ? x.hi : y.hi
      if (compareBounds(lo, hi) < 0) common.push({ lo, hi, isPoint: x.isPoint || y.isPoint })
    }
  }
  return common
}
