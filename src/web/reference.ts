import { randomInt } from 'node:crypto'

/** Letters and digits that nobody mistakes for one another, read aloud or written by hand. */
const referenceLetters = 'ABCDEFGHJKMNPQRTUVWXYZ2346789'

/** What the person quotes to the helpdesk and the log holds too, e.g. `K7F-2QX`. */
export function createReference(): string {
  const letters = Array.from(
    { length: 6 },
    () => referenceLetters[randomInt(referenceLetters.length)],
  )
  return `${letters.slice(0, 3).join('')}-${letters.slice(3).join('')}`
}
