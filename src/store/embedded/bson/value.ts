/**
 * BSON values as views over the bytes they came in.
 *
 * Why not JavaScript objects: deserialising loses what MongoDB keeps (1 and 1.0, the order of
 * keys such as "1" and "a", repeated keys, dates out of range, undefined and missing), and costs
 * more than the look-up itself. A Value is a type and a slice; what is not changed is copied
 * byte for byte, so every BSON type comes back exactly as it was stored.
 *
 * Everything here trusts its bytes: validate.ts has seen them before.
 */

/** Element types, https://bsonspec.org/spec.html. */
export const T = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binary: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  code: 13,
  symbol: 14,
  codeWithScope: 15,
  int32: 16,
  timestamp: 17,
  int64: 18,
  decimal: 19,
  maxKey: 0x7f,
  minKey: 0xff,
} as const

export class Value {
  readonly type: number
  readonly bytes: Buffer
  readonly start: number
  readonly end: number

  constructor(type: number, bytes: Buffer, start: number, end: number) {
    this.type = type
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  get size() {
    return this.end - this.start
  }
}

/** A whole document in its own buffer. */
export function documentValue(bytes: Buffer): Value {
  return new Value(T.object, bytes, 0, bytes.length)
}

/** Where the value that starts at `at` ends. */
export function valueEnd(type: number, bytes: Buffer, at: number): number {
  switch (type) {
    case T.double:
    case T.date:
    case T.timestamp:
    case T.int64:
      return at + 8
    case T.string:
    case T.code:
    case T.symbol:
      return at + 4 + bytes.readInt32LE(at)
    case T.object:
    case T.array:
    case T.codeWithScope:
      return at + bytes.readInt32LE(at)
    case T.binary:
      return at + 5 + bytes.readInt32LE(at)
    case T.objectId:
      return at + 12
    case T.bool:
      return at + 1
    case T.regex:
      return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1
    case T.dbPointer:
      return at + 4 + bytes.readInt32LE(at) + 12
    case T.int32:
      return at + 4
    case T.decimal:
      return at + 16
    default:
      return at
  }
}

/** Walks the elements of a document or array without allocating anything until asked. */
export class Elements {
  type = 0
  nameStart = 0
  nameEnd = 0
  start = 0
  end: number
  readonly bytes: Buffer

  constructor(parent: Value) {
    this.bytes = parent.bytes
    this.end = parent.start + 4
  }

  next(): boolean {
    const bytes = this.bytes
    let at = this.end
    this.type = bytes[at]!
    if (this.type === 0) return false
    this.nameStart = ++at
    while (bytes[at] !== 0) at++
    this.nameEnd = at
    this.start = at + 1
    this.end = valueEnd(this.type, bytes, this.start)
    return true
  }

  name(): string {
    return this.bytes.toString('utf8', this.nameStart, this.nameEnd)
  }

  value(): Value {
    return new Value(this.type, this.bytes, this.start, this.end)
  }

  nameIs(name: string): boolean {
    if (this.nameEnd - this.nameStart < name.length) return false
    const bytes = this.bytes
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i)
      if (unit > 127) return this.name() === name
      if (bytes[this.nameStart + i] !== unit) return false
    }
    return this.nameEnd - this.nameStart === name.length
  }
}

/** The first element of that name, as MongoDB takes it when a document repeats one. */
export function field(parent: Value, name: string): Value | undefined {
  const elements = new Elements(parent)
  while (elements.next()) if (elements.nameIs(name)) return elements.value()
  return undefined
}

export function* entries(parent: Value): Generator<[string, Value]> {
  const elements = new Elements(parent)
  while (elements.next()) yield [elements.name(), elements.value()]
}

/** The items of an array, in order. */
export function items(array: Value): Value[] {
  const list: Value[] = []
  const elements = new Elements(array)
  while (elements.next()) list.push(elements.value())
  return list
}

export function firstName(document: Value): string | undefined {
  const elements = new Elements(document)
  return elements.next() ? elements.name() : undefined
}

export function isEmpty(document: Value): boolean {
  return document.bytes[document.start + 4] === 0
}

// What a value says, for the parts of a command that steer rather than store.

export function text(value: Value): string {
  return value.bytes.toString('utf8', value.start + 4, value.end - 1)
}

export function regexParts(value: Value): [pattern: string, flags: string] {
  const middle = value.bytes.indexOf(0, value.start)
  return [
    value.bytes.toString('utf8', value.start, middle),
    value.bytes.toString('latin1', middle + 1, value.end - 1),
  ]
}

export function dateMs(value: Value): number {
  return Number(value.bytes.readBigInt64LE(value.start))
}

/** What MongoDB takes for true in an option: any number but 0, and anything that is not null. */
export function truthy(value: Value | undefined): boolean {
  if (!value) return false
  switch (value.type) {
    case T.bool:
      return value.bytes[value.start] === 1
    case T.null:
    case T.undefined:
      return false
    case T.int32:
      return value.bytes.readInt32LE(value.start) !== 0
    case T.int64:
      return value.bytes.readBigInt64LE(value.start) !== 0n
    case T.double:
      return value.bytes.readDoubleLE(value.start) !== 0
    case T.decimal:
      // Zero has no coefficient bits; the exponent and sign bits do not matter.
      return !(
        value.bytes.readBigUInt64LE(value.start) === 0n &&
        (value.bytes.readBigUInt64LE(value.start + 8) & 0x1ffffffffffffn) === 0n
      )
    default:
      return true
  }
}

// Makers, for values that the server itself computes.

function make(type: number, bytes: Buffer): Value {
  return new Value(type, bytes, 0, bytes.length)
}

const nothing = Buffer.alloc(0)
export const nullValue = make(T.null, nothing)
export const undefinedValue = make(T.undefined, nothing)
const trueValue = make(T.bool, Buffer.from([1]))
const falseValue = make(T.bool, Buffer.from([0]))

export function boolValue(value: boolean): Value {
  return value ? trueValue : falseValue
}

export function int32Value(value: number): Value {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(value)
  return make(T.int32, bytes)
}

export function int64Value(value: bigint): Value {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64LE(value)
  return make(T.int64, bytes)
}

export function doubleValue(value: number): Value {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(value)
  return make(T.double, bytes)
}

export function dateValue(ms: bigint): Value {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64LE(ms)
  return make(T.date, bytes)
}

export function stringValue(value: string): Value {
  const length = Buffer.byteLength(value)
  const bytes = Buffer.allocUnsafe(length + 5)
  bytes.writeInt32LE(length + 1)
  bytes.write(value, 4)
  bytes[length + 4] = 0
  return make(T.string, bytes)
}

export function objectIdValue(bytes: Uint8Array): Value {
  return make(T.objectId, Buffer.from(bytes))
}

export function decimalValue(bytes: Uint8Array): Value {
  return make(T.decimal, Buffer.from(bytes))
}

/** The names of $type and the error texts. */
export const typeNames: Readonly<Record<number, string>> = {
  [T.double]: 'double',
  [T.string]: 'string',
  [T.object]: 'object',
  [T.array]: 'array',
  [T.binary]: 'binData',
  [T.undefined]: 'undefined',
  [T.objectId]: 'objectId',
  [T.bool]: 'bool',
  [T.date]: 'date',
  [T.null]: 'null',
  [T.regex]: 'regex',
  [T.dbPointer]: 'dbPointer',
  [T.code]: 'javascript',
  [T.symbol]: 'symbol',
  [T.codeWithScope]: 'javascriptWithScope',
  [T.int32]: 'int',
  [T.timestamp]: 'timestamp',
  [T.int64]: 'long',
  [T.decimal]: 'decimal',
  [T.maxKey]: 'maxKey',
  [T.minKey]: 'minKey',
}

/** The added member narrows only the true branch: what is not a number is still a Value. */
export type NumberValue = Value & { readonly type: 1 | 16 | 18 | 19 }

export function isNumber(value: Value | undefined): value is NumberValue {
  const type = value?.type
  return type === T.int32 || type === T.double || type === T.int64 || type === T.decimal
}
