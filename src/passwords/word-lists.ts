import { createRequire } from 'node:module'

interface WordLists {
  /** The most used of leaked passwords, lower case, most used first. */
  readonly commonPasswords: ReadonlySet<string>
  /** English words that phrases are thrown together from by dice. */
  readonly dicewareWords: readonly string[]
  /** Those of them for our pass phrases: a-z, 4 to 7 letters. */
  readonly phraseWords: readonly string[]
}

const require = createRequire(import.meta.url)
let lists: WordLists | undefined

/** Unpacked when first asked for, once a process: most commands of the command line never do. */
export function wordLists(): WordLists {
  if (!lists) {
    const { dictionary } = require('@zxcvbn-ts/language-common') as {
      dictionary: Record<'diceware-common' | 'passwords-common', string[]>
    }
    lists = {
      dicewareWords: dictionary['diceware-common'],
      commonPasswords: new Set(dictionary['passwords-common']),
      phraseWords: dictionary['diceware-common'].filter((word) => /^[a-z]{4,7}$/.test(word)),
    }
  }
  return lists
}
