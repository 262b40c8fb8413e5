// @ts-check
/*
 * How hard a password is to guess: the glue between zxcvbn and what it does not know, Greek. Runs in
 * the page, on what is being typed; nothing is sent. A help, never a rule: the rules are in
 * password-rules.js and on the server.
 */

/**
 * What guessers try, as src/passwords/strength-files.ts packs it.
 *
 * @typedef {object} StrengthWords
 * @property {string[]} passwords leaked ones, front-coded, each stretch less used than the one before
 * @property {string} diceware English words, front-coded
 * @property {[rank: number, patterns: string[]][]} greek patterns of words and names in every
 *   spelling, for folded text; the rank is about how many words are tried before it
 * @property {Record<string, string>} greekKeys what a Latin key gives on the Greek keyboard
 * @property {Record<string, Record<string, (string | null)[]>>} graphs neighbours on keyboards
 */

/** @typedef {1 | 2 | 3 | 4} StrengthStep from weak to strong */

/** @typedef {'common' | 'similar' | 'word' | 'own' | 'layout' | 'keyboard' | 'repeat' | 'sequence' | 'date' | 'short' | 'longer'} StrengthReason */

/**
 * @typedef {object} Strength
 * @property {StrengthStep} step
 * @property {StrengthReason | undefined} reason what to better; none for the strongest
 */

/** A match as zxcvbn has it, inclusive ends. @typedef {{pattern: string, i: number, j: number, token: string, dictionaryName?: string, rank?: number}} Match */

/** @typedef {Record<string, Record<string, number>>} Ranks by dictionary and word */

/** More is not looked at: what follows only makes it stronger, and a phone must keep up. */
const maxJudged = 64

/** Fewer letters are part of everything. */
const minFound = 4

/** A word in greeklish, or typed on the other keyboard, is the second thing tried. */
const disguise = 2

/**
 * @param {new (options: object, matchers: object) => {check(password: string): {score: number, guesses: number, sequence: Match[]}, options: {rankedDictionaries: Ranks}}} Zxcvbn
 *   ZxcvbnFactory of @zxcvbn-ts/core
 * @param {StrengthWords} words
 * @returns {(password: string, username?: string) => Strength}
 */
export function createStrengthJudge(Zxcvbn, words) {
  const greek = words.greek.map(([rank, patterns]) => ({
    rank,
    patterns: patterns.map((pattern) => new RegExp(pattern, 'gu')),
  }))
  const folds = foldsFor(words.greekKeys)
  let ownName = ''

  class GreekMatching {
    /** @param {{rankedDictionaries: Ranks}} options */
    constructor(options) {
      this.options = options
    }

    /**
     * @param {{password: string}} input
     * @returns {Match[]}
     */
    match({ password }) {
      const { bare, greekTyped, latinTyped } = folds(password)
      return [
        ...[bare, greekTyped, latinTyped].flatMap((text) => findName(text, ownName)),
        ...[bare, greekTyped].flatMap((text) => findGreek(text, greek)),
        ...findLatin(latinTyped, this.options.rankedDictionaries),
      ].map((match) => ({ ...match, token: password.slice(match.i, match.j + 1) }))
    }
  }

  const zxcvbn = new Zxcvbn(
    {
      dictionary: {
        passwords: words.passwords.flatMap(readFrontCoded),
        // The library knows the name: each word of it counts as drawn by dice.
        diceware: readFrontCoded(words.diceware),
      },
      graphs: words.graphs,
      maxLength: maxJudged,
    },
    { greek: { Matching: GreekMatching, feedback: () => null, scoring: () => 0 } },
  )
  // Else "constructor" is found in them.
  for (const ranks of Object.values(zxcvbn.options.rankedDictionaries)) {
    Object.setPrototypeOf(ranks, null)
  }

  return (password, username = '') => {
    ownName = username.toLowerCase()
    const { score, guesses, sequence } = zxcvbn.check(password.normalize('NFC'))
    if (!Number.isFinite(guesses)) return { step: 1, reason: 'common' }
    const step = /** @type {StrengthStep} */ (Math.max(1, score))
    return { step, reason: reasonFor(step, sequence) }
  }
}

/**
 * @param {StrengthStep} step
 * @param {Match[]} sequence
 * @returns {StrengthReason | undefined}
 */
function reasonFor(step, sequence) {
  if (step === 4) return undefined
  if (sequence.some((match) => match.dictionaryName === 'own')) return 'own'
  if (step === 3) return 'longer'
  const [longest] = [...sequence].sort((one, other) => other.token.length - one.token.length)
  return longest ? matchReason(longest, sequence.length === 1) : 'short'
}

/** @type {Readonly<Record<string, StrengthReason>>} */
const patternReasons = {
  spatial: 'keyboard',
  repeat: 'repeat',
  sequence: 'sequence',
  date: 'date',
  regex: 'date',
}

/**
 * @param {Match} match
 * @param {boolean} isAll
 * @returns {StrengthReason}
 */
function matchReason(match, isAll) {
  if (match.pattern !== 'dictionary') return patternReasons[match.pattern] ?? 'short'
  if (match.dictionaryName === 'passwords') return isAll ? 'common' : 'similar'
  return match.dictionaryName === 'layout' ? 'layout' : 'word'
}

/** Text with the place of each character in the password. @typedef {{text: string, from: number[], to: number[]}} Folded */

/**
 * The password as one might have meant it: without accents and capitals, as typed for the Greek
 * keyboard (kvdikow), as typed for the Latin one (πασσςορδ). Greek forms have one sigma.
 *
 * @param {Record<string, string>} greekKeys
 * @returns {(password: string) => {bare: Folded, greekTyped: Folded, latinTyped: Folded}}
 */
function foldsFor(greekKeys) {
  const latinKeys = Object.fromEntries(Object.entries(greekKeys).map(([key, sign]) => [sign, key]))
  /** @param {string} sign */
  const oneSigma = (sign) => (sign === 'ς' ? 'σ' : sign)
  return (password) => {
    const signs = bareSigns(password)
    // ; and : (shift) are the keys of accent and diaeresis: they stand before their vowel.
    const unmarked = signs.filter(
      ({ sign }, at) => !/[;:]/.test(sign) || !/[aehiyov]/.test(signs[at + 1]?.sign ?? ''),
    )
    return {
      bare: folded(signs, oneSigma),
      greekTyped: folded(/[a-z]/.test(textOf(signs)) ? unmarked : [], (sign) =>
        oneSigma(greekKeys[sign] ?? sign),
      ),
      latinTyped: folded(
        /\p{Script=Greek}/u.test(textOf(signs)) ? signs : [],
        (sign) => latinKeys[sign] ?? sign,
      ),
    }
  }
}

/** @typedef {{sign: string, from: number, to: number}} PlacedSign */

/** @param {PlacedSign[]} signs */
function textOf(signs) {
  return signs.map(({ sign }) => sign).join('')
}

/**
 * @param {string} password
 * @returns {PlacedSign[]}
 */
function bareSigns(password) {
  const signs = []
  let from = 0
  for (const character of password) {
    const to = from + character.length - 1
    for (const sign of character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()) {
      signs.push({ sign, from, to })
    }
    from = to + 1
  }
  return signs
}

/**
 * @param {PlacedSign[]} signs
 * @param {(sign: string) => string} change
 * @returns {Folded}
 */
function folded(signs, change) {
  /** @type {Folded} */
  const result = { text: '', from: [], to: [] }
  for (const { sign, from, to } of signs) {
    const changed = change(sign)
    result.text += changed
    // Places are asked for by code unit.
    for (let unit = 0; unit < changed.length; unit++) {
      result.from.push(from)
      result.to.push(to)
    }
  }
  return result
}

/**
 * @param {Folded} text
 * @param {number} at
 * @param {number} length
 * @param {string} dictionaryName
 * @param {number} rank
 */
function found(text, at, length, dictionaryName, rank) {
  const [i = 0, j = 0] = [text.from[at], text.to[at + length - 1]]
  // zxcvbn estimates dictionary matches by their rank.
  return { pattern: 'dictionary', i, j, dictionaryName, rank, reversed: false, l33t: false }
}

/**
 * @param {Folded} text
 * @param {string} name lower case
 */
function findName(text, name) {
  const matches = []
  if (name.length < minFound) return []
  for (let at = text.text.indexOf(name); at >= 0; at = text.text.indexOf(name, at + 1)) {
    matches.push(found(text, at, name.length, 'own', 1))
  }
  return matches
}

/**
 * @param {Folded} text
 * @param {{rank: number, patterns: RegExp[]}[]} greek
 */
function findGreek(text, greek) {
  return greek.flatMap(({ rank, patterns }) =>
    patterns.flatMap((pattern) =>
      [...text.text.matchAll(pattern)]
        .filter(([word]) => word.length >= minFound)
        .map(({ 0: word, index }) => {
          const isGreek = /^\p{Script=Greek}+$/u.test(word)
          return found(text, index, word.length, 'greek', isGreek ? rank : rank * disguise)
        }),
    ),
  )
}

/**
 * @param {Folded} text
 * @param {Ranks} ranks
 */
function findLatin({ text, from, to }, ranks) {
  const matches = []
  for (let at = 0; at < text.length; at++) {
    for (let length = minFound; at + length <= text.length; length++) {
      const word = text.slice(at, at + length)
      const rank = ranks.passwords?.[word] ?? ranks.diceware?.[word]
      if (rank === undefined) continue
      matches.push(found({ text, from, to }, at, length, 'layout', rank * disguise))
    }
  }
  return matches
}

/**
 * @param {string} coded as frontCoded() in src/passwords/strength-files.ts writes it
 * @returns {string[]}
 */
export function readFrontCoded(coded) {
  let before = ''
  return coded.split('\n').map((line) => {
    before = before.slice(0, Number.parseInt(line.charAt(0), 36)) + line.slice(1)
    return before
  })
}
