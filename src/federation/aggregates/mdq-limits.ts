/** Questions about entityIDs that nobody knows: anybody can send us any number of them. */
const burst = 20
const perSecond = 1
/** At once, whatever they are about. */
const maxUnderWay = 8
/** After a failure of the server nobody new is asked about for so long. */
const pauseMs = 30_000

/**
 * Keeps a stranger who sends made-up entityIDs from making us a hammer on the federation's server.
 * One for each worker and federation. Services that are known are not counted.
 */
export class MdqLimits {
  #tokens = burst
  #refilledAt = 0
  #underWay = 0
  #pausedUntil = 0

  /** @returns whether a question may go out; then done() must follow */
  take(now: Date, isKnown: boolean): boolean {
    const at = now.getTime()
    if (at < this.#pausedUntil || this.#underWay >= maxUnderWay) return false
    if (!isKnown) {
      const gained = (Math.max(0, at - this.#refilledAt) / 1000) * perSecond
      this.#tokens = Math.min(burst, this.#tokens + gained)
      this.#refilledAt = at
      if (this.#tokens < 1) return false
      this.#tokens -= 1
    }
    this.#underWay += 1
    return true
  }

  done(): void {
    this.#underWay -= 1
  }

  failed(now: Date): void {
    this.#pausedUntil = now.getTime() + pauseMs
  }
}
