import { T, Value } from './value.ts'

/** Writes BSON into one growing buffer. Lengths are filled in when a document is closed. */
export class BsonWriter {
  bytes: Buffer
  at = 0

  constructor(size = 256) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  reserve(count: number) {
    const needed = this.at + count
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  /** Opens a document that is not an element (the outermost). */
  open(): number {
    this.reserve(5)
    const start = this.at
    this.at += 4
    return start
  }

  close(start: number) {
    this.reserve(1)
    this.bytes[this.at++] = 0
    this.bytes.writeInt32LE(this.at - start, start)
  }

  element(type: number, name: string | number) {
    const key = typeof name === 'number' ? String(name) : name
    this.reserve(key.length * 3 + 18)
    const bytes = this.bytes
    bytes[this.at++] = type
    let at = this.at
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i)
      if (unit > 127) {
        at = this.at + bytes.write(key, this.at)
        break
      }
      bytes[at++] = unit
    }
    bytes[at++] = 0
    this.at = at
  }

  object(name: string | number): number {
    this.element(T.object, name)
    return this.open()
  }

  array(name: string | number): number {
    this.element(T.array, name)
    return this.open()
  }

  value(name: string | number, value: Value) {
    this.element(value.type, name)
    this.raw(value)
  }

  /** The bytes of a value without type and name. */
  raw(value: Value) {
    this.reserve(value.size)
    value.bytes.copy(this.bytes, this.at, value.start, value.end)
    this.at += value.size
  }

  int32(name: string | number, value: number) {
    this.element(T.int32, name)
    this.at = this.bytes.writeInt32LE(value, this.at)
  }

  int64(name: string | number, value: bigint) {
    this.element(T.int64, name)
    this.at = this.bytes.writeBigInt64LE(value, this.at)
  }

  double(name: string | number, value: number) {
    this.element(T.double, name)
    this.at = this.bytes.writeDoubleLE(value, this.at)
  }

  bool(name: string | number, value: boolean) {
    this.element(T.bool, name)
    this.bytes[this.at++] = value ? 1 : 0
  }

  string(name: string | number, value: string) {
    this.element(T.string, name)
    const length = Buffer.byteLength(value)
    this.reserve(length + 5)
    this.bytes.writeInt32LE(length + 1, this.at)
    this.bytes.write(value, this.at + 4)
    this.at += length + 5
    this.bytes[this.at - 1] = 0
  }

  date(name: string | number, ms: number) {
    this.element(T.date, name)
    this.at = this.bytes.writeBigInt64LE(BigInt(ms), this.at)
  }

  null(name: string | number) {
    this.element(T.null, name)
  }

  /** The bytes so far, in a buffer of their own. */
  finish(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.at))
  }
}

const scratch = new BsonWriter(64 * 1024)
let scratchTaken = false

/** Writes one document; nested calls get a writer of their own. */
export function buildDocument(fill: (writer: BsonWriter) => void): Buffer {
  const shared = !scratchTaken
  const writer = shared ? scratch : new BsonWriter()
  if (shared) {
    scratchTaken = true
    writer.at = 0
  }
  try {
    const start = writer.open()
    fill(writer)
    writer.close(start)
    return writer.finish()
  } finally {
    if (shared) {
      scratchTaken = false
      if (scratch.bytes.length > 1024 * 1024) scratch.bytes = Buffer.allocUnsafe(64 * 1024)
    }
  }
}

export function objectValue(fields: Iterable<readonly [string, Value]>): Value {
  const bytes = buildDocument((writer) => {
    for (const [name, value] of fields) writer.value(name, value)
  })
  return new Value(T.object, bytes, 0, bytes.length)
}

export function arrayValue(list: Iterable<Value>): Value {
  let index = 0
  const bytes = buildDocument((writer) => {
    for (const value of list) writer.value(index++, value)
  })
  return new Value(T.array, bytes, 0, bytes.length)
}
