/** Codes of symbols that look like Greek letters; NFC leaves them alone. */
const lookalikes: Readonly<Record<string, string>> = {
  '\u00b5': 'μ',
  '\u03d0': 'β',
  '\u03d1': 'θ',
  '\u03d5': 'φ',
  '\u03d6': 'π',
  '\u03f0': 'κ',
  '\u03f1': 'ρ',
  '\u03f2': 'σ',
  '\u03f4': 'Θ',
  '\u03f5': 'ε',
  '\u03f9': 'Σ',
}

const anyLookalike = new RegExp(`[${Object.keys(lookalikes).join('')}]`, 'g')

/** An accent as a sign of its own before the capital, as typewriters and old code pages have it. */
const accentBefore = /(?<!\p{L})['\u2019\u00b4\u0384\u1ffd]([ΑΕΗΙΟΥΩ])/gu

/**
 * A Greek text with the letters that it shows: what old systems write otherwise looks right on a
 * page, and matches neither the AMKA registry nor a search, and cannot be transcribed.
 */
export function plainGreek(text: string): string {
  if (!/\p{Script=Greek}/u.test(text)) return text
  return text
    .normalize('NFC')
    .replace(/\u03f2(?!\p{L})/gu, 'ς')
    .replace(anyLookalike, (symbol) => lookalikes[symbol] as string)
    .replace(accentBefore, (_, vowel: string) => `${vowel}\u0301`)
    .normalize('NFC')
}
