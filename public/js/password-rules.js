// @ts-check
/*
 * The rules of a new password that need nothing but the password and the username. One piece of
 * code for both: the page ticks them while the person types, the server decides by them.
 */

/**
 * @typedef {object} SimpleRules
 * @property {number} minLength characters
 * @property {number} minNonAlphabetic characters that are no letter in any script
 * @property {number} maxDigitRun longest run of digits, each one more or one less than the last
 * @property {number} minDifferent characters
 */

/** @typedef {'minLength' | 'minNonAlphabetic' | 'maxDigitRun' | 'username' | 'minDifferent'} SimpleRule */

/**
 * In the order of the list on the page.
 *
 * @type {readonly SimpleRule[]}
 */
export const simpleRules = [
  'minLength',
  'minNonAlphabetic',
  'maxDigitRun',
  'username',
  'minDifferent',
]

/**
 * The rules that a password breaks, in the order of the page. Characters are code points of the
 * composed form (NFC): ά is one however the keyboard sends it, and an emoji is one.
 *
 * @param {string} password
 * @param {SimpleRules} rules
 * @param {string} username empty when it is not known: nothing is like it then
 * @returns {SimpleRule[]}
 */
export function brokenSimpleRules(password, rules, username) {
  const characters = [...password.normalize('NFC')]
  /** @type {Record<SimpleRule, boolean>} */
  const broken = {
    minLength: characters.length < rules.minLength,
    // A combining mark is part of the letter under it.
    minNonAlphabetic:
      characters.filter((character) => !/[\p{L}\p{M}]/u.test(character)).length <
      rules.minNonAlphabetic,
    maxDigitRun: longestDigitRun(characters) > rules.maxDigitRun,
    username: isLikeUsername(password, username),
    minDifferent: new Set(characters).size < rules.minDifferent,
  }
  return simpleRules.filter((rule) => broken[rule])
}

/**
 * Length of the longest run of 0-9 that rises or falls by one at each step. 9 and 0 are no
 * neighbours; digits of other scripts are characters like any other.
 *
 * @param {readonly string[]} characters
 */
function longestDigitRun(characters) {
  let longest = 0
  let length = 0
  let direction = 0
  for (const [at, character] of characters.entries()) {
    const isDigit = /^[0-9]$/.test(character)
    const before = characters[at - 1] ?? ''
    const step = isDigit && /^[0-9]$/.test(before) ? Number(character) - Number(before) : 0
    if (!isDigit) length = 0
    else if (Math.abs(step) !== 1) length = 1
    // 3 2 3: the run that turns begins anew with the two digits at the turn.
    else length = step === direction ? length + 1 : 2
    direction = step
    longest = Math.max(longest, length)
  }
  return longest
}

/**
 * Too like the username: holds it, is held in it, holds it backwards, or differs in a letter or two
 * once capitals, look-alikes (@ for a, 0 for o) and what stands around (digits, signs) are gone.
 *
 * @param {string} password
 * @param {string} username
 */
export function isLikeUsername(password, username) {
  if (username === '') return false
  return [plain, lookAlikes].some((fold) => isNear(fold(password), fold(username)))
}

/**
 * @param {string} password
 * @param {string} username
 */
function isNear(password, username) {
  const core = password.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  const forms = [password, core].filter((form) => form.length >= 3)
  const backwards = [...username].reverse().join('')
  for (const name of [username, backwards]) {
    // Three letters are part of too many words: such a name counts when little else is there.
    if (name.length >= 4 && password.includes(name)) return true
    // A letter or two more, less or other; in a short name one, else every short word is near it.
    const nearness = name.length >= 6 ? 2 : name.length >= 4 ? 1 : 0
    if (forms.some((form) => distanceWithin(form, name, nearness))) return true
  }
  return forms.some((form) => form.length >= 4 && username.includes(form))
}

/** @param {string} text */
function plain(text) {
  return text.normalize('NFKC').toLowerCase()
}

const lookAlike = new Map(
  Object.entries({ 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's', '!': 'i' }),
)

/**
 * Both sides are folded, so l and 1 count as i too.
 *
 * @param {string} text
 */
function lookAlikes(text) {
  return [...plain(text).replace(/[._-]/g, '')]
    .map((character) => lookAlike.get(character) ?? (character === 'l' ? 'i' : character))
    .join('')
}

/**
 * Whether at most `limit` insertions, deletions or replacements turn one text into the other.
 *
 * @param {string} one
 * @param {string} other
 * @param {number} limit
 */
function distanceWithin(one, other, limit) {
  if (Math.abs(one.length - other.length) > limit) return false
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return (row[other.length] ?? 0) <= limit
}
