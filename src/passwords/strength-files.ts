import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { StrengthWords } from '../../public/js/password-strength.js'
import { commonGreekWords } from './common-greek-words.ts'
import { everydayGreekWords } from './everyday-greek-words.ts'
import { greekKeyboard } from './greek-keyboard.ts'
import { greekFirstNames } from './greek-short-names.ts'
import { spellingPattern } from './greek-spelling.ts'
import { wordLists } from './word-lists.ts'

/**
 * What a page needs to judge a password while it is typed, as modules for the browser: the library,
 * and its words. Modules, not data to fetch: our pages may not send requests from script
 * (`default-src 'none'` without `connect-src`), and this must not become a reason to allow it.
 */
export const strengthFiles: Record<string, () => string> = {
  'js/zxcvbn.js': zxcvbnModule,
  'js/strength-words.js': () =>
    // Browsers read JSON much faster than the same as program text.
    `export default JSON.parse(${JSON.stringify(JSON.stringify(strengthWords()))})\n`,
}

const require = createRequire(import.meta.url)

/** The library's file for browsers is a classic script, which leaves its parts in `this`. */
function zxcvbnModule(): string {
  const file = join(dirname(require.resolve('@zxcvbn-ts/core')), 'zxcvbn-ts.js')
  const script = readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, '')
  return [
    '/*! @zxcvbn-ts/core, MIT licence: https://github.com/zxcvbn-ts/zxcvbn */',
    `const parts = {};\n(function () {\n${script}}).call(parts)`,
    'export const { ZxcvbnFactory } = parts.zxcvbnts.core\n',
  ].join('\n')
}

/** Of the leaked passwords these many go to the browser, whatever their length … */
const mostUsed = 10_000
/** … and of the rest only what is long enough to pass for a password of its own. */
const minRareLength = 8
const minWordLength = 4
/** Where a stretch of passwords that are about equally common ends. */
const stretchEnds = [100, 1000, 4000, mostUsed, Number.POSITIVE_INFINITY]

/** How many other words somebody tries who guesses Greek words: see StrengthWords. */
const commonRank = 200
const nameRank = 200
const everydayRank = 1000

export function strengthWords(): StrengthWords {
  const { commonPasswords, dicewareWords } = wordLists()
  const { graphs } = languageCommon()
  return {
    passwords: passwordStretches([...commonPasswords]),
    diceware: frontCoded(dicewareWords.filter((word) => word.length >= minWordLength)),
    greek: greekPatterns([
      [commonRank, commonGreekWords],
      [nameRank, greekFirstNames],
      [everydayRank, everydayGreekWords],
    ]),
    greekKeys: Object.fromEntries(greekKeyboard),
    graphs: { qwerty: graphs.qwerty, keypad: graphs.keypad, greek: inGreek(graphs.qwerty) },
  }
}

/** @param passwords most used first */
function passwordStretches(passwords: readonly string[]): string[] {
  const stretches: string[][] = stretchEnds.map(() => [])
  for (const [at, password] of passwords.entries()) {
    if (password.length < minWordLength) continue
    if (at >= mostUsed && password.length < minRareLength) continue
    stretches[stretchEnds.findIndex((end) => at < end)]!.push(password)
  }
  return stretches.map(frontCoded)
}

/**
 * Words in alphabetical order, one a line, each as the number of letters that it begins with like
 * the one before (one character, base 36) and the rest: half the bytes on the way.
 */
export function frontCoded(words: readonly string[]): string {
  let before = ''
  return [...words]
    .sort()
    .map((word) => {
      let same = 0
      while (same < Math.min(word.length, 35) && word[same] === before[same]) same++
      before = word
      return same.toString(36) + word.slice(same)
    })
    .join('\n')
}

function greekPatterns(
  lists: readonly (readonly [number, readonly string[]])[],
): [number, string[]][] {
  const seen = new Set<string>()
  return lists.map(([rank, words]) => [
    rank,
    words
      .filter((word) => word.length >= minWordLength)
      .map((word) => spellingPattern(word))
      .filter((pattern) => !seen.has(pattern) && seen.add(pattern)),
  ])
}

type Graph = Record<string, (string | null)[]>

function languageCommon() {
  const { adjacencyGraphs: graphs } = require('@zxcvbn-ts/language-common') as {
    adjacencyGraphs: Record<'qwerty' | 'keypad', Graph>
  }
  return { graphs }
}

/** The same keys with what the Greek keyboard has on them; digits and most signs stay. */
function inGreek(graph: Graph): Graph {
  const greek = (keys: string) => Array.from(keys, greekSign).join('')
  return Object.fromEntries(
    Object.entries(graph).map(([key, neighbours]) => [
      greek(key),
      neighbours.map((keys) => (keys === null ? null : greek(keys))),
    ]),
  )
}

/** Keys that give something else with shift than the capital of their letter. */
const oddKeys: Readonly<Record<string, string>> = { Q: ':', W: 'ς', ';': '΄', ':': '¨' }

function greekSign(key: string): string {
  const odd = oddKeys[key]
  if (odd !== undefined) return odd
  const letter = greekKeyboard.get(key.toLowerCase())
  if (letter === undefined) return key
  return key === key.toLowerCase() ? letter : letter.toUpperCase()
}
