import { latinKeys } from './greek-keyboard.ts'

/** Ways along the keys and through the alphabet, Latin keys; each is walked in both directions. */
const walks = [
  '1234567890',
  'qwertyuiop[]',
  "asdfghjkl;'",
  'zxcvbnm,./',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '1q2w3e4r5t6y7u8i9o0p',
  '1a2s3d4f5g6h7j8k9l',
  'qawsedrftgyhujikol',
  'qazwsxedcrfvtgbyhnujmik,ol.',
  'abcdefghijklmnopqrstuvwxyz',
  // The Greek alphabet, by its keys.
  'abgdezhuiklmnjoprstyfxcv',
].flatMap((walk) => [walk, [...walk].reverse().join('')])

const shifted = new Map([...'!@#$%^&*()'].map((sign, at) => [sign, '1234567890'[at] as string]))

/** Shortest stretch that counts: two neighbouring keys are in every other word. */
const minStretch = 3

/**
 * Two thirds or more of it are stretches along the keyboard or the alphabet (qwerty, ςερτυ,
 * 1q2w3e, abcd) or one key pressed again and again.
 */
export function isKeyboardWalk(password: string): boolean {
  const keys = latinKeys(Array.from(password, (sign) => shifted.get(sign) ?? sign).join(''))
  let covered = 0
  for (let at = 0; at < keys.length; ) {
    const stretch = longestStretch(keys, at)
    if (stretch >= minStretch) covered += stretch
    at += Math.max(1, stretch >= minStretch ? stretch : 1)
  }
  return covered * 3 >= keys.length * 2
}

function longestStretch(keys: string, at: number): number {
  let length = 1
  while (keys[at + length] === keys[at]) length++
  for (const walk of walks) {
    // A walk may hold a key twice (the one along the columns does not): the first one counts.
    const from = walk.indexOf(keys[at] as string)
    if (from < 0) continue
    let same = 0
    while (from + same < walk.length && walk[from + same] === keys[at + same]) same++
    length = Math.max(length, same)
  }
  return length
}
