import { randomInt } from 'node:crypto'

/**
 * No two of them look alike in print, and no letter of them shares a key or a shape with another
 * letter of them on a Greek keyboard: out are o i l q r u v w z, and 0 1 5.
 */
const alphabet = 'abcdefghjkmnpstxy2346789'
const groups = 4
const groupLength = 4

/**
 * Greek letters as somebody types them who has the Greek keyboard on, or who takes a printed Latin
 * letter for the Greek one of the same shape (Α, Β, Ε, Η, Κ, Μ, Ν, Ρ, Τ, Υ, Χ). Where key and shape
 * differ (Ρ is on the key R and looks like P), only one of the two is in the alphabet.
 */
const greekLetters: Readonly<Record<string, string>> = {
  α: 'a',
  β: 'b',
  γ: 'g',
  δ: 'd',
  ε: 'e',
  ζ: 'z',
  η: 'h',
  θ: 'u',
  ι: 'i',
  κ: 'k',
  λ: 'l',
  μ: 'm',
  ν: 'n',
  ξ: 'j',
  ο: 'o',
  π: 'p',
  ρ: 'p',
  σ: 's',
  ς: 's',
  τ: 't',
  υ: 'y',
  φ: 'f',
  χ: 'x',
  ψ: 'c',
  ω: 'v',
}

/** A passphrase to print, 73 bits: `kd7m-3xpa-9fgt-e2hn`. */
export function makePassphrase(): string {
  const group = () =>
    Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}

/** What of a typed passphrase counts: neither capitals, spaces and hyphens, nor the keyboard it was typed on. */
export function normalizePassphrase(text: string): string {
  const letters = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[α-ω]/g, (letter) => greekLetters[letter] ?? '')
  return letters.replace(/[^a-z0-9]/g, '')
}
