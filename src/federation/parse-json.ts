import { IdpError } from '../errors.ts'

/**
 * Reads JSON that an administrator wrote. The runtime's own message may quote the text around the
 * mistake, which can be a client secret: only its place and kind are told.
 *
 * @throws {IdpError} METADATA_INVALID with the line
 */
export function parseJson(text: string): unknown {
  const problem = syntaxErrorOf(text)
  if (problem === undefined) {
    const value: unknown = JSON.parse(text)
    if (!isNestedTooDeep(value)) return value
    throw new IdpError('METADATA_INVALID', `nested deeper than ${maxJsonDepth} levels.`)
  }
  const place = /^(.*) in JSON at position \d+ \(line (\d+) column \d+\)$/s.exec(problem)
  if (place) throw notJson(Number(place[2]), place[1]!)
  if (!problem.startsWith(unexpectedToken)) {
    throw notJson(text.split('\n').length, 'it ends too early')
  }
  const end = firstLengthWithToken(text)
  throw notJson(
    text.slice(0, end).split('\n').length,
    `unexpected ${JSON.stringify(text[end - 1])}`,
  )
}

/** Client metadata have four. Whatever writes or compares a value goes into it by recursion. */
export const maxJsonDepth = 32

/** Without recursion. */
export function isNestedTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxJsonDepth) return true
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    )
  }
  return false
}

const unexpectedToken = 'Unexpected token'

function notJson(line: number, problem: string): IdpError {
  return new IdpError('METADATA_INVALID', `line ${line}: not JSON: ${problem}.`)
}

function syntaxErrorOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The message names no place, but a text cut off before the token fails in another way. */
function firstLengthWithToken(text: string): number {
  let without = 0
  let withToken = text.length
  while (withToken - without > 1) {
    const middle = (without + withToken) >> 1
    if (syntaxErrorOf(text.slice(0, middle))?.startsWith(unexpectedToken)) withToken = middle
    else without = middle
  }
  return withToken
}
