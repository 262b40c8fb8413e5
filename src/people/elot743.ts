import { plainGreek } from './greek-letters.ts'

/**
 * ELOT 743 (ISO 843) transcription of Greek names into Latin letters, as passports and identity
 * cards carry them. Accents are dropped; ´ on the first vowel or a diaeresis on the second keeps
 * two vowels apart (Μάιος Maios, Ταΰγετος Taygetos). Characters that are not Greek stay.
 */

const singleLetters: Record<string, string> = {
  α: 'a',
  β: 'v',
  γ: 'g',
  δ: 'd',
  ε: 'e',
  ζ: 'z',
  η: 'i',
  θ: 'th',
  ι: 'i',
  κ: 'k',
  λ: 'l',
  μ: 'm',
  ν: 'n',
  ξ: 'x',
  ο: 'o',
  π: 'p',
  ρ: 'r',
  σ: 's',
  ς: 's',
  τ: 't',
  υ: 'y',
  φ: 'f',
  χ: 'ch',
  ψ: 'ps',
  ω: 'o',
}

const nasalGamma: Record<string, string> = { γ: 'ng', ξ: 'nx', χ: 'nch' }
const vowelBeforeUpsilon: Record<string, string> = { α: 'a', ε: 'e', η: 'i' }
const voicedAfterUpsilon = new Set('αεηιουωβγδζλμνρ')

interface Letter {
  /** Lower case, without marks. */
  readonly base: string
  readonly accent: boolean
  readonly diaeresis: boolean
  readonly upper: boolean
}

/** Greek in, Latin out; Latin passes through unchanged. */
export function transliterate(greek: string): string {
  const letters = Array.from(plainGreek(greek.normalize('NFC')), knownLetter)
  let latin = ''
  for (let at = 0; at < letters.length; ) {
    const { text, length } = transcribeAt(letters, at)
    latin += withCase(text, letters, at, length)
    at += length
  }
  return latin.normalize('NFC')
}

/** Names are written with some 120 characters; taking one apart is most of the work. */
const knownLetters = new Map<string, Letter>()

function knownLetter(character: string): Letter {
  let letter = knownLetters.get(character)
  if (!letter) {
    letter = readLetter(character)
    if (knownLetters.size < 1000) knownLetters.set(character, letter)
  }
  return letter
}

function readLetter(character: string): Letter {
  const parts = character.normalize('NFD')
  const first = parts[0] as string
  const lower = first.toLowerCase()
  // Other scripts keep their marks: only Greek letters are taken apart.
  const base = lower in singleLetters ? lower : character
  return {
    base,
    accent: /[\u0301\u0300\u0342]/.test(parts),
    diaeresis: parts.includes('\u0308'),
    upper: first !== lower,
  }
}

function transcribeAt(letters: Letter[], at: number): { text: string; length: number } {
  const here = letters[at] as Letter
  const next = letters[at + 1]
  if (next && joinsUpsilon(here, next)) {
    if (here.base === 'ο') return { text: 'ou', length: 2 }
    const first = vowelBeforeUpsilon[here.base]
    if (first) {
      const following = letters[at + 2]
      const voiced = following !== undefined && voicedAfterUpsilon.has(following.base)
      return { text: first + (voiced ? 'v' : 'f'), length: 2 }
    }
  }
  if (here.base === 'γ' && next && next.base in nasalGamma) {
    return { text: nasalGamma[next.base] as string, length: 2 }
  }
  if (here.base === 'μ' && next?.base === 'π') {
    const atEdge = !isGreek(letters[at - 1]) || !isGreek(letters[at + 2])
    return { text: atEdge ? 'b' : 'mp', length: 2 }
  }
  return { text: singleLetters[here.base] ?? here.base, length: 1 }
}

/** αυ, ευ, ηυ, ου are one sound unless an accent on the first or a diaeresis parts them. */
function joinsUpsilon(first: Letter, second: Letter): boolean {
  return second.base === 'υ' && !second.diaeresis && !first.accent
}

function isGreek(letter: Letter | undefined): boolean {
  return letter !== undefined && letter.base in singleLetters
}

/** Θεοδώρα Theodora, ΘΕΟΔΩΡΑ THEODORA, Θ. Th.: what stands beside decides for a lone capital. */
function withCase(text: string, letters: Letter[], at: number, length: number): string {
  const source = letters.slice(at, at + length)
  if (!isGreek(source[0]) || !source[0]?.upper) return text
  const neighbours = [...source.slice(1), letters[at + length], letters[at - 1]].filter(
    (letter): letter is Letter => letter !== undefined && /\p{L}/u.test(letter.base),
  )
  const allCapitals = neighbours[0]?.upper === true
  return allCapitals ? text.toUpperCase() : (text[0] as string).toUpperCase() + text.slice(1)
}
