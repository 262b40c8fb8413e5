/** Which keys a document has in an index: MongoDB's rules for arrays, missing fields, sparse. */
import { KeyWriter } from '../bson/key.ts'
import { Elements, field, T, undefinedValue, type Value } from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import type { Filter } from '../query/filter.ts'
import { matches } from '../query/match.ts'

export interface KeyField {
  path: string
  parts: string[]
  descending: boolean
}

export interface KeyShape {
  fields: KeyField[]
  sparse: boolean
  partialFilter?: Filter | undefined
}

/** Where a component of the key stands while its path is followed. */
interface Cursor {
  value: Value | undefined
  at: number
}

const writer = new KeyWriter()
const isIndex = /^(0|[1-9]\d*)$/

/**
 * The distinct keys of a document, none when the index leaves it out, and which components went
 * through an array (bit i for component i): bounds on two such components cannot be combined.
 *
 * @throws {CommandError} CannotIndexParallelArrays
 */
export function indexKeys(shape: KeyShape, document: Value): { keys: Buffer[]; multikey: number } {
  if (shape.partialFilter && !matches(shape.partialFilter, document)) {
    return { keys: [], multikey: 0 }
  }
  const keys: Buffer[] = []
  const state = { multikey: 0, exists: false }
  const start = shape.fields.map((): Cursor => ({ value: document, at: 0 }))
  expand(shape.fields, start, keys, state)
  if (shape.sparse && !state.exists) return { keys: [], multikey: state.multikey }
  return { keys: keys.length > 1 ? distinct(keys) : keys, multikey: state.multikey }
}

/** The keys of one path, for sorting; at least one. */
export function fieldKeys(document: Value, parts: string[], descending: boolean): Buffer[] {
  const keys: Buffer[] = []
  const fields = [{ path: '', parts, descending }]
  expand(fields, [{ value: document, at: 0 }], keys, { multikey: 0, exists: false })
  return keys
}

function distinct(keys: Buffer[]): Buffer[] {
  const seen = new Map<string, Buffer>()
  for (const key of keys) seen.set(key.toString('latin1'), key)
  return [...seen.values()]
}

function expand(
  fields: KeyField[],
  cursors: Cursor[],
  keys: Buffer[],
  state: { multikey: number; exists: boolean },
) {
  let array: Value | undefined
  for (let i = 0; i < fields.length; i++) {
    const cursor = cursors[i]!
    const { parts } = fields[i]!
    while (cursor.value?.type === T.object && cursor.at < parts.length) {
      cursor.value = field(cursor.value, parts[cursor.at++]!)
    }
    if (cursor.value?.type === T.array && !Number.isNaN(cursor.at)) {
      const next = parts[cursor.at]
      // a.0.b names one element; it is not spread out.
      if (next !== undefined && isIndex.test(next)) {
        const item = field(cursor.value, next)
        if (item) {
          cursor.value = item
          cursor.at++
          i--
          continue
        }
      }
      if (array && (array.start !== cursor.value.start || array.bytes !== cursor.value.bytes)) {
        throw new CommandError(
          'CannotIndexParallelArrays',
          `cannot index parallel arrays [${fields.map((one) => one.path).join('] [')}]`,
        )
      }
      array = cursor.value
    } else if (cursor.at < parts.length) {
      // A scalar on the way: there is nothing at this path.
      cursor.value = undefined
      cursor.at = parts.length
    }
  }
  if (!array) {
    for (let i = 0; i < fields.length; i++) {
      const { value } = cursors[i]!
      if (value) state.exists = true
      writer.field(value, fields[i]!.descending)
    }
    keys.push(writer.take())
    return
  }
  const inArray = cursors.map(
    ({ value, at }) =>
      value?.type === T.array &&
      !Number.isNaN(at) &&
      value.start === array.start &&
      value.bytes === array.bytes,
  )
  for (let i = 0; i < fields.length; i++) if (inArray[i]) state.multikey |= 1 << i
  const step = (item: Value | undefined) => {
    const next = cursors.map(({ value, at }, i): Cursor => {
      if (!inArray[i]) return { value, at }
      if (at === fields[i]!.parts.length) {
        // The array's own elements are the values; NaN marks "do not open again".
        return { value: item ?? undefinedValue, at: Number.NaN }
      }
      return item?.type === T.object ? { value: item, at } : { value: undefined, at: Number.NaN }
    })
    expand(fields, next, keys, state)
  }
  const elements = new Elements(array)
  let isEmpty = true
  while (elements.next()) {
    isEmpty = false
    step(elements.value())
  }
  // An empty array is in the index as undefined, so that it sorts before null.
  if (isEmpty) step(undefined)
}
