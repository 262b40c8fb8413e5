/** Documents at once, and a second after that: what a federation's proxies ask for in the morning. */
const burst = 300
const perSecond = 30

/**
 * Bounds what strangers can make a worker sign: federations have more services than signed answers
 * are kept, so asking for one after the other is work each time.
 */
export class SigningBudget {
  #tokens = burst
  #refilledAt = 0

  take(now: Date): boolean {
    const at = now.getTime()
    const gained = (Math.max(0, at - this.#refilledAt) / 1000) * perSecond
    this.#tokens = Math.min(burst, this.#tokens + gained)
    this.#refilledAt = at
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
