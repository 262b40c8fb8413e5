/**
 * The keys of the Greek keyboard and what they give on a Latin (US) one: κωδικός typed with the
 * wrong layout is kvdik;ow, and maria is μαρια. Lower case, marks already taken off.
 */

const keys: readonly (readonly [latin: string, greek: string])[] = [
  ['q', ';'],
  ['w', 'ς'],
  ['e', 'ε'],
  ['r', 'ρ'],
  ['t', 'τ'],
  ['y', 'υ'],
  ['u', 'θ'],
  ['i', 'ι'],
  ['o', 'ο'],
  ['p', 'π'],
  ['a', 'α'],
  ['s', 'σ'],
  ['d', 'δ'],
  ['f', 'φ'],
  ['g', 'γ'],
  ['h', 'η'],
  ['j', 'ξ'],
  ['k', 'κ'],
  ['l', 'λ'],
  ['z', 'ζ'],
  ['x', 'χ'],
  ['c', 'ψ'],
  ['v', 'ω'],
  ['b', 'β'],
  ['n', 'ν'],
  ['m', 'μ'],
]

const toLatin = new Map(keys.map(([latin, greek]) => [greek, latin]))
const toGreek = new Map(keys)

/** What each letter key of a Latin (US) keyboard gives on the Greek one. */
export const greekKeyboard: ReadonlyMap<string, string> = toGreek

/** Lower case without accents and other marks; what is no letter stays. */
export function bareLetters(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

/** What a Latin keyboard would have given for Greek text. */
export function latinKeys(text: string): string {
  return replaceEach(bareLetters(text), toLatin)
}

/** What the Greek keyboard would have given for Latin text. */
export function greekKeys(text: string): string {
  // ; and : (shift) are the keys of accent and diaeresis: they stand before their vowel.
  const unmarked = bareLetters(text).replace(/[;:](?=[aehiyov])/g, '')
  return replaceEach(unmarked, toGreek)
}

function replaceEach(text: string, map: ReadonlyMap<string, string>): string {
  return Array.from(text, (character) => map.get(character) ?? character).join('')
}
