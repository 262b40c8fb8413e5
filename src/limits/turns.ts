import { IdpError } from '../errors.ts'

/** Lets so many pieces of work run at a time; the others wait in the order they came. */
export class Turns {
  readonly #waiting: (() => void)[] = []
  readonly #maxWaiting: number
  #free: number

  constructor(size: number, maxWaiting: number) {
    this.#free = size
    this.#maxWaiting = maxWaiting
  }

  /** @throws {IdpError} SERVICE_UNAVAILABLE (503) at once, when too many wait already */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else if (this.#waiting.length >= this.#maxWaiting) {
      throw new IdpError('SERVICE_UNAVAILABLE', `${this.#maxWaiting} already wait for a turn`, {
        status: 503,
      })
    } else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }
}
