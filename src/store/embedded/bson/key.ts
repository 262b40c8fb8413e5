/**
 * Values as bytes that memcmp orders as MongoDB orders values, so that a SQLite index does.
 *
 * One byte for the type bracket, then the value; every encoding ends itself, so encodings can be
 * put one after another (compound indexes, objects, arrays) and inverted bit by bit for a
 * descending field. Equal values of different numeric types encode alike: 1, 1.0 and Decimal 1.
 * Numbers are therefore written in decimal: sign, power of ten, digits. Every double has an exact
 * decimal expansion, so nothing is rounded.
 */
import { decimalParts, toNumber } from './numbers.ts'
import { Elements, T, type Value } from './value.ts'

/** Brackets in MongoDB's comparison order. 0 ends lists; 0xff never starts anything. */
export const bracket = {
  minKey: 0x01,
  undefined: 0x02,
  null: 0x05,
  number: 0x10,
  string: 0x15,
  object: 0x20,
  array: 0x25,
  binary: 0x30,
  objectId: 0x35,
  bool: 0x40,
  date: 0x45,
  timestamp: 0x47,
  regex: 0x50,
  dbPointer: 0x55,
  code: 0x60,
  codeWithScope: 0x65,
  maxKey: 0x7f,
} as const

const bracketOf = new Uint8Array(256)
for (const [type, byte] of [
  [T.minKey, bracket.minKey],
  [T.undefined, bracket.undefined],
  [T.null, bracket.null],
  [T.int32, bracket.number],
  [T.int64, bracket.number],
  [T.double, bracket.number],
  [T.decimal, bracket.number],
  [T.string, bracket.string],
  [T.symbol, bracket.string],
  [T.object, bracket.object],
  [T.array, bracket.array],
  [T.binary, bracket.binary],
  [T.objectId, bracket.objectId],
  [T.bool, bracket.bool],
  [T.date, bracket.date],
  [T.timestamp, bracket.timestamp],
  [T.regex, bracket.regex],
  [T.dbPointer, bracket.dbPointer],
  [T.code, bracket.code],
  [T.codeWithScope, bracket.codeWithScope],
  [T.maxKey, bracket.maxKey],
] as const) {
  bracketOf[type] = byte
}

export function bracketOfType(type: number): number {
  return bracketOf[type]!
}

// Second byte of a number.
const nan = 0x00
const minusInfinity = 0x10
const negative = 0x20
const zero = 0x30
const positive = 0x40
const infinity = 0x50

/** Collects encodings; `take` hands out a copy and starts over. */
export class KeyWriter {
  private bytes = Buffer.allocUnsafe(1024)
  private at = 0

  private reserve(count: number) {
    if (this.at + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.at + count, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  /** For a writer that is shared: whatever an exception left behind goes. */
  reset() {
    this.at = 0
  }

  take(): Buffer {
    const key = Buffer.from(this.bytes.subarray(0, this.at))
    this.at = 0
    if (this.bytes.length > 1024 * 1024) this.bytes = Buffer.allocUnsafe(1024)
    return key
  }

  /** Missing fields are indexed and sorted as null, as in MongoDB. */
  field(value: Value | undefined, descending: boolean) {
    const start = this.at
    if (value) this.value(value)
    else this.byte(bracket.null)
    if (descending) for (let i = start; i < this.at; i++) this.bytes[i] = ~this.bytes[i]! & 0xff
  }

  byte(byte: number) {
    this.reserve(1)
    this.bytes[this.at++] = byte
  }

  value(value: Value) {
    this.byte(bracketOf[value.type]!)
    const { bytes, start, end } = value
    switch (value.type) {
      case T.int32:
      case T.int64:
      case T.double:
      case T.decimal:
        this.number(value)
        break
      case T.string:
      case T.symbol:
      case T.code:
        this.text(bytes, start + 4, end - 1)
        break
      case T.object:
      case T.array:
        this.list(value)
        break
      case T.binary: {
        this.reserve(value.size)
        this.at = this.bytes.writeUInt32BE(bytes.readInt32LE(start), this.at)
        this.copy(bytes, start + 4, end)
        break
      }
      case T.objectId:
      case T.bool:
        this.copy(bytes, start, end)
        break
      case T.date:
        this.reserve(8)
        // The sign bit is inverted, so that dates before 1970 come first.
        this.at = this.bytes.writeBigUInt64BE(
          BigInt.asUintN(64, bytes.readBigInt64LE(start)) ^ (1n << 63n),
          this.at,
        )
        break
      case T.timestamp:
        this.reserve(8)
        this.at = this.bytes.writeBigUInt64BE(bytes.readBigUInt64LE(start), this.at)
        break
      case T.regex: {
        const middle = bytes.indexOf(0, start)
        this.text(bytes, start, middle)
        this.text(bytes, middle + 1, end - 1)
        break
      }
      case T.dbPointer:
      case T.codeWithScope:
        this.text(bytes, start, end)
        break
    }
  }

  private copy(source: Buffer, start: number, end: number) {
    this.reserve(end - start)
    source.copy(this.bytes, this.at, start, end)
    this.at += end - start
  }

  /** 00 becomes 00 ff; 00 00 ends, so a shorter string comes first. */
  private text(source: Buffer, start: number, end: number) {
    this.textPrefix(source, start, end)
    this.byte(0)
    this.byte(0)
  }

  private textPrefix(source: Buffer, start: number, end: number) {
    this.reserve((end - start) * 2 + 2)
    const out = this.bytes
    let at = this.at
    for (let i = start; i < end; i++) {
      const byte = source[i]!
      out[at++] = byte
      if (byte === 0) out[at++] = 0xff
    }
    this.at = at
  }

  /** The start of every string that begins with `prefix`. */
  stringPrefix(prefix: string) {
    const bytes = Buffer.from(prefix)
    this.byte(bracket.string)
    this.textPrefix(bytes, 0, bytes.length)
  }

  /** Objects compare by type bracket, name, value of each field in turn; arrays without names. */
  private list(parent: Value) {
    const elements = new Elements(parent)
    while (elements.next()) {
      if (parent.type === T.object) {
        this.byte(bracketOf[elements.type]!)
        this.text(elements.bytes, elements.nameStart, elements.nameEnd)
      }
      this.value(elements.value())
    }
    this.byte(0)
  }

  private number(value: Value) {
    if (value.type === T.decimal) {
      const parts = decimalParts(value)
      if (parts) this.finite(parts.coefficient < 0n, digitsOf(parts.coefficient), parts.exponent)
      else this.special(toNumber(value))
      return
    }
    if (value.type === T.int64) {
      const long = value.bytes.readBigInt64LE(value.start)
      this.finite(long < 0n, digitsOf(long), 0)
      return
    }
    const number = toNumber(value)
    if (!Number.isFinite(number)) {
      this.special(number)
    } else if (Number.isSafeInteger(number)) {
      this.finite(number < 0, String(Math.abs(number)), 0)
    } else {
      const { digits, exponent } = exactDecimal(Math.abs(number))
      this.finite(number < 0, digits, exponent)
    }
  }

  private special(number: number) {
    this.byte(Number.isNaN(number) ? nan : number > 0 ? infinity : minusInfinity)
  }

  private finite(isNegative: boolean, digits: string, exponent: number) {
    if (digits === '0') {
      this.byte(zero)
      return
    }
    let length = digits.length
    while (digits.charCodeAt(length - 1) === 48) length--
    this.byte(isNegative ? negative : positive)
    this.reserve(length + 4)
    const start = this.at
    // 0.d1d2d3... x 10^power: of two positive numbers the one with the larger power is larger.
    this.at = this.bytes.writeUInt16BE(digits.length + exponent + 0x8000, this.at)
    for (let i = 0; i < length; i += 2) {
      const high = digits.charCodeAt(i) - 48
      const low = i + 1 < length ? digits.charCodeAt(i + 1) - 48 : 0
      this.bytes[this.at++] = high * 10 + low + 1
    }
    this.bytes[this.at++] = 0
    if (isNegative) for (let i = start; i < this.at; i++) this.bytes[i] = ~this.bytes[i]! & 0xff
  }
}

function digitsOf(integer: bigint): string {
  return String(integer < 0n ? -integer : integer)
}

const view = new DataView(new ArrayBuffer(8))

/** A double is mantissa x 2^power; x 2^-n is x 5^n / 10^n, which needs no rounding. */
function exactDecimal(number: number): { digits: string; exponent: number } {
  view.setFloat64(0, number)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  let mantissa = biased === 0 ? fraction : fraction | (1n << 52n)
  let power = (biased === 0 ? 1 : biased) - 1075
  while (power < 0 && (mantissa & 1n) === 0n) {
    mantissa >>= 1n
    power++
  }
  return power >= 0
    ? { digits: String(mantissa << BigInt(power)), exponent: 0 }
    : { digits: String(mantissa * 5n ** BigInt(-power)), exponent: power }
}

const shared = new KeyWriter()

export function encodeKey(value: Value): Buffer {
  shared.reset()
  shared.value(value)
  return shared.take()
}

/** The encoding as a string, for Map and Set: equal exactly when MongoDB calls the values equal. */
export function keyText(value: Value | undefined): string {
  return value ? encodeKey(value).toString('latin1') : ''
}
