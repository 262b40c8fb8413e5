import { KeyLines } from './key-lines.ts'
import type { Draft } from './registry-plan.ts'

/**
 * Whom a dry run would have written so far: the store does not know them, so a later batch would
 * take their further rows for new people and give their usernames away again.
 */
export class PlannedPeople {
  /** Number key or username to the person's running number. */
  readonly #personOf = new KeyLines()
  #count = 0

  /**
   * Notes a person of a batch.
   *
   * @returns `known` when an earlier batch would have made them, `username-taken` when one would
   *   have given their username to somebody else; then nothing is noted
   */
  add({ after }: Draft): 'new' | 'known' | 'username-taken' {
    const numbers = (after.nationalNumbers ?? []).map((entry) => `number:${entry.hmac}`)
    const username = after.username === undefined ? undefined : `username:${after.username}`
    const known = numbers
      .map((key) => this.#personOf.get(key))
      .find((person) => person !== undefined)
    const owner = username === undefined ? undefined : this.#personOf.get(username)
    if (owner !== undefined && owner !== known) return 'username-taken'
    const person = known ?? ++this.#count
    for (const key of numbers) this.#personOf.set(key, person)
    if (username !== undefined) this.#personOf.set(username, person)
    return known === undefined ? 'new' : 'known'
  }
}
