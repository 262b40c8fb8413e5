import {
  entries,
  field,
  int64Value,
  items,
  nullValue,
  T,
  text,
  truthy,
  type Value,
} from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { parseUnset } from '../query/projection.ts'
import { follow } from './operator.ts'
import type { Stage } from './pipeline.ts'

const bad = (message: string) => new CommandError('BadValue', message)

/** $unwind: a document for each element of an array. */
export function parseUnwind(argument: Value): Stage {
  const named = argument.type === T.object
  const path = named ? field(argument, 'path') : argument
  if (path?.type !== T.string || !text(path).startsWith('$')) {
    throw bad("path option to $unwind stage should be prefixed with a '$'")
  }
  if (named) {
    for (const [name] of entries(argument)) {
      if (!['path', 'includeArrayIndex', 'preserveNullAndEmptyArrays'].includes(name)) {
        throw bad(`unrecognized option to $unwind stage: ${name}`)
      }
    }
  }
  const indexName = named ? field(argument, 'includeArrayIndex') : undefined
  const keepsEmpty = named && truthy(field(argument, 'preserveNullAndEmptyArrays'))
  const parts = text(path).slice(1).split('.')
  const setItem = (document: Value, item: Value | undefined, index: number | undefined) => {
    let result = item ? replaceAt(document, parts, item) : parseUnset([parts.join('.')])(document)
    if (indexName) {
      const value = index === undefined ? nullValue : int64Value(BigInt(index))
      result = replaceAt(result, text(indexName).split('.'), value)
    }
    return result
  }
  return {
    name: '$unwind',
    *run(input) {
      for (const document of input) {
        const value = follow(document, parts, 0)
        if (!value || value.type === T.null) {
          if (keepsEmpty)
            yield indexName ? replaceAt(document, text(indexName).split('.'), nullValue) : document
        } else if (value.type !== T.array) {
          yield indexName ? replaceAt(document, text(indexName).split('.'), nullValue) : document
        } else {
          const list = items(value)
          if (list.length === 0 && keepsEmpty) yield setItem(document, undefined, undefined)
          for (const [index, item] of list.entries()) yield setItem(document, item, index)
        }
      }
    },
  }
}

/** Sets a field on a path of objects, keeping the order of the others. */
export function replaceAt(document: Value, parts: string[], value: Value): Value {
  const fields = new Map(entries(document))
  const [name, ...rest] = parts as [string, ...string[]]
  const inner = fields.get(name)
  fields.set(
    name,
    rest.length === 0
      ? value
      : replaceAt(inner?.type === T.object ? inner : objectValue([]), rest, value),
  )
  return objectValue(fields)
}
