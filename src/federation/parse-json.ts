import { IdpError } from '../errors.ts'

/**
 * Reads JSON that an administrator wrote. The runtime's own message may quote the text around the
 * mistake, which can be a client secret: only its place and kind are told.
 *
 * @throws {IdpError} METADATA_INVALID with the line
 */
export function parseJson(text: string): unknown {
  const problem = syntaxErrorOf(text)
  if (problem === undefined) return JSON.parse(text)
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
