import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Language, languages } from './language.ts'

export type MessageValues = Readonly<Record<string, string | number>>
/** A whole sentence, or one for each plural category of `count` (Unicode CLDR). */
export type Message = string | Readonly<Record<string, string>>
export type Messages = ReadonlyMap<string, Message>

export interface Translate {
  (key: string, values?: MessageValues): string
  has(key: string): boolean
}

const pluralCategories = new Set(['zero', 'one', 'two', 'few', 'many', 'other'])

/**
 * Reads `views/locales/LANGUAGE.json` and `views/ROOM/locales/LANGUAGE.json` into one table.
 *
 * @throws {Error} when two files define the same key
 */
export function loadMessages(viewsDir: string, language: Language): Messages {
  const messages = new Map<string, Message>()
  const folders = readdirSync(viewsDir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory() && entry.name === 'locales')
    .map((entry) => join(entry.parentPath, entry.name))
  for (const folder of folders.sort()) {
    const file = join(folder, `${language}.json`)
    for (const [key, message] of flatten(JSON.parse(readFileSync(file, 'utf8')))) {
      if (messages.has(key)) throw new Error(`${file}: "${key}" is already in another locale file`)
      messages.set(key, message)
    }
  }
  return messages
}

/** Both languages. `strict` (tests, development) throws for a missing key or value. */
export function loadTranslations(
  viewsDir: string,
  options: { strict: boolean },
): Record<Language, Translate> {
  const [el, en] = languages.map((language) =>
    createTranslate(loadMessages(viewsDir, language), language, options),
  ) as [Translate, Translate]
  return { el, en }
}

const rightToLeft =
  /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u

/**
 * A value that a stranger wrote, for the middle of a sentence: in letters that run from right to left
 * it would turn the order of what stands beside it (Unicode UAX 9, first strong isolate).
 */
export function isolated(value: string): string {
  return rightToLeft.test(value) ? `\u2068${value}\u2069` : value
}

/** The function that views know as `t`. In production a missing text shows its key, not an error page. */
export function createTranslate(
  messages: Messages,
  language: Language,
  options: { strict: boolean },
): Translate {
  const plural = new Intl.PluralRules(language)

  function fail(problem: string, shown: string): string {
    if (options.strict) throw new Error(`${language}: ${problem}`)
    return shown
  }

  function t(key: string, values: MessageValues = {}): string {
    const message = messages.get(key)
    if (message === undefined) return fail(`no text for "${key}"`, key)
    const sentence =
      typeof message === 'string'
        ? message
        : (message[plural.select(Number(values.count))] ?? message.other ?? '')
    if (!sentence.includes('{')) return sentence
    return sentence.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
      const value = values[name]
      return value === undefined
        ? fail(`"${key}" needs a value for ${placeholder}`, '')
        : isolated(String(value))
    })
  }
  return Object.assign(t, { has: (key: string) => messages.has(key) })
}

function* flatten(node: unknown, prefix = ''): Generator<[string, Message]> {
  for (const [name, value] of Object.entries(node as Record<string, unknown>)) {
    const key = prefix + name
    if (typeof value === 'string' || isPlural(value)) yield [key, value]
    else yield* flatten(value, `${key}.`)
  }
}

function isPlural(value: unknown): value is Record<string, string> {
  const names = Object.keys(value as object)
  return names.includes('other') && names.every((name) => pluralCategories.has(name))
}
