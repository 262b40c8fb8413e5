import { isUtf8 } from 'node:buffer'
import { XmlError } from './xml-error.ts'

/** Where the bytes come from: fills the buffer as far as it can, 0 at the end. */
export type ReadBytes = (target: Buffer) => number

const chunkBytes = 256 * 1024

/**
 * The part of a document that is held in memory: moves on over bytes of any size, and sees that they
 * are UTF-8. One buffer is used again and again.
 */
export class ByteWindow {
  /** Offset of the window in the document. */
  base = 0
  /** What the window shows, as Latin-1: one character a byte. */
  text = ''
  isAtEnd = false

  readonly #read: ReadBytes
  readonly #maxBytes: number
  #buffer = Buffer.alloc(0)
  /** The part of the buffer that the window shows. */
  #bytes = Buffer.alloc(0)
  /** Bytes read beyond the window: the beginning of a character. */
  #carry = Buffer.alloc(0)

  /** @param maxBytes of the whole document */
  constructor(read: ReadBytes, maxBytes: number) {
    this.#read = read
    this.#maxBytes = maxBytes
  }

  /** A copy of the document's bytes; both offsets within the window. */
  slice(from: number, to: number): Buffer {
    return Buffer.from(this.#bytes.subarray(from - this.base, to - this.base))
  }

  /**
   * Adds a chunk.
   *
   * @param keepFrom offset in the document: what stands before it leaves the window
   * @returns false when there is nothing more, and nothing has changed
   * @throws {XmlError} what is not UTF-8, or larger than allowed
   */
  fill(keepFrom: number): boolean {
    if (this.isAtEnd) return false
    const keep = keepFrom - this.base
    const kept = this.#bytes.length - keep
    this.#makeRoom(keep, kept)
    const buffer = this.#buffer
    this.#carry.copy(buffer, kept)
    const start = kept + this.#carry.length
    const count = this.#read(buffer.subarray(start, start + chunkBytes))
    this.isAtEnd = count === 0
    const end = start + count
    // A character cut in two at the end of the chunk waits for its other half.
    const whole = this.isAtEnd ? end : wholeCharacters(buffer, kept, end)
    if (!isUtf8(buffer.subarray(kept, whole))) {
      throw new XmlError('it is not written in UTF-8; only UTF-8 is read')
    }
    this.#carry = Buffer.from(buffer.subarray(whole, end))
    this.base += keep
    this.#bytes = buffer.subarray(0, whole)
    this.text = this.#bytes.toString('latin1')
    if (this.base + end > this.#maxBytes) {
      throw new XmlError(`larger than ${this.#maxBytes} bytes`)
    }
    return true
  }

  /** Puts what is kept at the buffer's front, with place for a chunk behind it. */
  #makeRoom(keep: number, kept: number): void {
    const size = kept + this.#carry.length + chunkBytes
    if (this.#buffer.length >= size) {
      this.#buffer.copyWithin(0, keep, keep + kept)
      return
    }
    const larger = Buffer.allocUnsafe(size + chunkBytes)
    this.#bytes.copy(larger, 0, keep)
    this.#buffer = larger
  }
}

/** The end of the last whole character of UTF-8 between the two offsets. */
function wholeCharacters(bytes: Buffer, from: number, to: number): number {
  for (let at = to - 1; at >= from && at >= to - 4; at--) {
    const byte = bytes[at] as number
    if (byte < 0x80) return to
    if (byte < 0xc0) continue
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return at + length > to ? at : to
  }
  return to
}
