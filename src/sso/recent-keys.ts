/** A set that remembers at least the last `capacity` keys and at most twice as many. */
export class RecentKeys {
  readonly #capacity: number
  #young = new Set<string>()
  #old = new Set<string>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  add(key: string): void {
    this.#young.add(key)
    if (this.#young.size < this.#capacity) return
    this.#old = this.#young
    this.#young = new Set()
  }
}
