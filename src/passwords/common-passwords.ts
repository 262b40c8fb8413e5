import { commonGreekWords } from './common-greek-words.ts'
import { bareLetters, greekKeys, latinKeys } from './greek-keyboard.ts'
import { bareSpelling, spellingPattern } from './greek-spelling.ts'
import { isKeyboardWalk } from './keyboard-walk.ts'
import { wordLists } from './word-lists.ts'

/** Digits and signs around a common word that do not make it another: `!2026` and a little more. */
const maxDecoration = 6

/** Longer ones are no common password, and finding repetitions takes the square of the length. */
const maxCommonLength = 100

/**
 * A password that many use, or one of those with a trivial change: capitals, digits or signs
 * around it, look-alikes inside (p@ssw0rd), written twice, typed with the other keyboard layout;
 * a common Greek word however it is spelt; a walk along the keys.
 */
export function isCommonPassword(password: string): boolean {
  if (isKeyboardWalk(password)) return true
  if (password.length > maxCommonLength) return false
  const { commonPasswords } = wordLists()
  const typed = [password.normalize('NFKC').toLowerCase(), bareLetters(password)]
  for (const form of new Set([...typed, latinKeys(password)])) {
    for (const core of cores(form)) {
      if (commonPasswords.has(core)) return true
    }
  }
  return [bareLetters(password), greekKeys(password)].some((form) =>
    cores(form).some((core) => greekWord().test(bareSpelling(core))),
  )
}

/** What is left of a text without decoration, as it is and with look-alikes read as letters. */
function cores(text: string): string[] {
  const stripped = [
    text,
    text.replace(/[^\p{L}]+$/u, ''),
    text.replace(/^[^\p{L}]+/u, ''),
    text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, ''),
  ].filter((core) => core.length >= 3 && text.length - core.length <= maxDecoration)
  const read = stripped.flatMap((core) => [
    core,
    readLookAlikes(core, 'i'),
    readLookAlikes(core, 'l'),
  ])
  const once = read.map((core) => /^(.{3,}?)\1+$/su.exec(core)?.[1] ?? core)
  return [...new Set([...read, ...once])]
}

const lookAlikes: Readonly<Record<string, string>> = {
  0: 'o',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
}

/** @param one what 1 and ! stand for */
function readLookAlikes(text: string, one: 'i' | 'l'): string {
  return text.replace(/[0134570@$!]/g, (sign) => lookAlikes[sign] ?? one)
}

let greekWordPattern: RegExp | undefined

function greekWord(): RegExp {
  greekWordPattern ??= new RegExp(
    `^(?:${commonGreekWords.map((word) => spellingPattern(word)).join('|')})$`,
    'u',
  )
  return greekWordPattern
}
