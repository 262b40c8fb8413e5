/** Finds what is wrong with a value; `field` is its place in the file, e.g. `terms.version`. */
export type ShapeCheck = (value: unknown, field: string) => string[]

/** A part whose fields are all known: a misspelt one would otherwise be ignored without a word. */
export function partOf(
  fields: Readonly<Record<string, ShapeCheck>>,
  required: readonly string[] = [],
): ShapeCheck {
  return (value, field) => {
    if (!isRecord(value)) return [expected(field, 'an object', value)]
    const names = [...new Set([...required, ...Object.keys(value)])]
    return names.flatMap((name) => {
      const place = `${field}.${name}`
      if (!Object.hasOwn(fields, name)) {
        return [`${place}: no such field, expected only ${Object.keys(fields).join(', ')}`]
      }
      return (fields[name] as ShapeCheck)(value[name], place)
    })
  }
}

/** Names of the institution's choice, e.g. department codes, each with one thing of a kind. */
export function eachOf(check: ShapeCheck): ShapeCheck {
  return (value, field) => {
    if (!isRecord(value)) return [expected(field, 'an object', value)]
    return Object.entries(value).flatMap(([name, entry]) => check(entry, `${field}.${name}`))
  }
}

export function listOf(check: ShapeCheck, atLeast: number): ShapeCheck {
  return (value, field) => {
    if (!Array.isArray(value)) return [expected(field, 'a list', value)]
    if (value.length < atLeast) return [`${field}: must have at least ${atLeast}, got none`]
    return value.flatMap((entry, index) => check(entry, `${field}[${index}]`))
  }
}

export function matching(isFine: (value: unknown) => boolean, what: string): ShapeCheck {
  return (value, field) => (isFine(value) ? [] : [expected(field, what, value)])
}

export function wholeNumber(from: number, to: number): ShapeCheck {
  return matching(
    (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
    `a whole number from ${from} to ${to}`,
  )
}

export function oneOf(choices: readonly string[]): ShapeCheck {
  return matching(
    (value) => choices.includes(value as string),
    choices.map((choice) => `"${choice}"`).join(' or '),
  )
}

export const text = matching(isText, 'a text')
export const localizedText = partOf({ el: text, en: text }, ['el', 'en'])
export const mailAddress = matching(isMailAddress, 'a mail address')
export const webAddress = matching(
  (value) => isText(value) && /^https?:\/\//.test(value) && URL.canParse(value),
  'a URL that starts with https:// or http://',
)

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

export function isMailAddress(value: unknown): value is string {
  return isText(value) && /^[^\s@<>"]+@[^\s@<>"]+$/.test(value)
}

/** Longest piece of a wrong value that a message repeats. Characters. */
const maxShownLength = 60

function expected(field: string, what: string, value: unknown): string {
  const got = value === undefined ? 'nothing' : JSON.stringify(value)
  const shown = got.length > maxShownLength ? `${got.slice(0, maxShownLength)}…` : got
  return `${field}: must be ${what}, got ${shown}`
}
