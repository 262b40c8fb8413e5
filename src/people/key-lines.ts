import { hash } from 'node:crypto'

/**
 * Remembers on which line each key of a file stood, in 20 to 40 bytes a key whatever its length:
 * a Map of strings would make the memory of an import grow with the file.
 *
 * Keys are told apart by 64 bits of their SHA-256. Two different keys among a million meet by
 * chance once in tens of millions of files; the second row is then reported as a repetition.
 */
export class KeyLines {
  #size = 0
  #capacity = 1024
  /** Three words a slot: hash high, hash low, line. Line 0 marks a free slot. */
  #slots = new Uint32Array(3 * 1024)

  get size(): number {
    return this.#size
  }

  get(key: string): number | undefined {
    const [high, low] = hashWords(key)
    return this.#slots[this.#find(high, low) + 2] || undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** @param line 1 or more */
  set(key: string, line: number): void {
    const [high, low] = hashWords(key)
    const at = this.#find(high, low)
    if (this.#slots[at + 2] === 0) this.#size++
    this.#put(at, high, low, line)
    if (this.#size * 5 > this.#capacity * 3) this.#grow()
  }

  #put(at: number, high: number, low: number, line: number): void {
    this.#slots[at] = high
    this.#slots[at + 1] = low
    this.#slots[at + 2] = line
  }

  /** Index of the key's slot, or of the free one where it belongs. */
  #find(high: number, low: number): number {
    let slot = high & (this.#capacity - 1)
    for (;;) {
      const at = slot * 3
      if (this.#slots[at + 2] === 0) return at
      if (this.#slots[at] === high && this.#slots[at + 1] === low) return at
      slot = (slot + 1) & (this.#capacity - 1)
    }
  }

  #grow(): void {
    const old = this.#slots
    this.#capacity *= 2
    this.#slots = new Uint32Array(3 * this.#capacity)
    for (let at = 0; at < old.length; at += 3) {
      const [high, low, line] = [old[at] as number, old[at + 1] as number, old[at + 2] as number]
      if (line !== 0) this.#put(this.#find(high, low), high, low, line)
    }
  }
}

function hashWords(key: string): [number, number] {
  const bytes = hash('sha256', key, 'buffer')
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
}
