import { bareLetters } from './greek-keyboard.ts'

/**
 * How Greeks write Greek: in Greek with or without accents, by ELOT 743, and in greeklish after
 * the sound or the look of a letter (θ as th, 8, u or 9). Each letter or pair of letters that is
 * one sound stands for everything it is written with, so that one pattern finds all forms.
 */

/** All ways to write the vowel i; Greek has six of its own. */
const i = 'ει|οι|υι|ι|η|υ|ei|oi|ui|yi|ii|i|y|h|u|n|1|!'
const e = 'αι|ε|ai|ae|e|3'
const o = 'ο|ω|o|w|0'

const spellings: Readonly<Record<string, string>> = {
  αι: e,
  ει: i,
  οι: i,
  υι: i,
  ου: 'ου|ou|oy|u|8',
  αυ: 'αυ|αβ|αφ|av|au|ay|af|ab',
  ευ: 'ευ|εβ|εφ|ev|eu|ey|ef|eb',
  μπ: 'μπ|mp|mb|b',
  ντ: 'ντ|nt|nd|d',
  γκ: 'γκ|γγ|gk|gg|ng|g',
  γι: 'γι|γει|γη|γυ|gi|gei|gh|gy|yi|ji|y|j',
  γγ: 'γγ|γκ|gg|ng|gk|g',
  τζ: 'τζ|tz|j|dj|dz',
  α: 'α|a|4|@',
  β: 'β|v|b|w|6',
  γ: 'γ|g|y|j',
  δ: 'δ|d|dh',
  ε: e,
  ζ: 'ζ|z',
  η: i,
  θ: 'θ|th|8|u|9|q',
  ι: i,
  κ: 'κ|k|c|q',
  λ: 'λ|l|1',
  μ: 'μ|m',
  ν: 'ν|n',
  ξ: 'ξ|ks|x|3|j',
  ο: o,
  π: 'π|p',
  ρ: 'ρ|r|p',
  σ: 'σ|s|5|\\$',
  τ: 'τ|t|7',
  υ: i,
  φ: 'φ|f|ph',
  χ: 'χ|ch|kh|x|h|c',
  ψ: 'ψ|ps|4',
  ω: o,
}

/** Look-alikes that are typed for Latin letters, as people know them from others' passwords. */
const latinLookAlikes: Readonly<Record<string, string>> = {
  a: 'a|4|@',
  e: 'e|3',
  i: 'i|1|!',
  l: 'l|1',
  o: 'o|0',
  s: 's|5|\\$',
  t: 't|7',
}

/** Lower case, without marks, and with one sigma: the form that spelling patterns are made for. */
export function bareSpelling(text: string): string {
  return bareLetters(text).replaceAll('ς', 'σ')
}

/**
 * The source of a regular expression that finds a word in bareSpelling(text), however it is spelt.
 *
 * @param word a name or a word, Greek or Latin letters
 * @param atMost letters of the beginning that are enough; the whole word when absent
 */
export function spellingPattern(word: string, atMost = Number.POSITIVE_INFINITY): string {
  const letters = bareSpelling(word)
  let pattern = ''
  for (let at = 0; at < letters.length && at < atMost; ) {
    const pair = letters.slice(at, at + 2)
    const sound = Object.hasOwn(spellings, pair) ? pair : (letters[at] as string)
    const written = spellings[sound] ?? latinLookAlikes[sound] ?? escapePattern(sound)
    // A doubled letter is often written once: Άννα Ana, Σάββας Savas.
    const isDoubled = letters[at + sound.length] === sound
    pattern += isDoubled ? `(?:${written}){1,2}` : `(?:${written})`
    at += sound.length + (isDoubled ? 1 : 0)
  }
  return pattern
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
