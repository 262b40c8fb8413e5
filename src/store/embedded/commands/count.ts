import { keyText } from '../bson/key.ts'
import { countValue } from '../bson/numbers.ts'
import { documentValue, items, T, text, type Value } from '../bson/value.ts'
import { arrayValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import { reach } from '../query/match.ts'
import { planQuery } from '../query/planner.ts'
import type { Collection } from '../storage/collection.ts'
import {
  type Command,
  checkCollation,
  filterOf,
  findCollection,
  hintOf,
  numberField,
  objectField,
} from './context.ts'
import type { Query } from './read.ts'

/** Counts by the index alone when its bounds say everything. */
export function countMatching(collection: Collection, query: Query): number {
  const plan = planQuery(collection, query.filter, [], query.hint)
  if (!plan.filter && !plan.repeats && !plan.key) {
    let count = 0
    for (const { index, ranges } of plan.scans) {
      if (!index) count += collection.count()
      else for (const range of ranges) count += collection.countEntries(index, range)
    }
    return count
  }
  let count = 0
  for (const _ of new Execution(collection, plan).rows()) count++
  return count
}

export const count: Command = {
  writes: false,
  fields: ['query', 'limit', 'skip', 'hint', 'collation', 'fields'],
  run(request, reply) {
    checkCollation(request.fields.get('collation'))
    const collection = findCollection(request)
    const filter = filterOf(objectField(request, 'query'))
    const hint = hintOf(collection, request.fields.get('hint'))
    const skip = numberField(request, 'skip') ?? 0
    const limit = Math.abs(numberField(request, 'limit') ?? 0)
    if (skip < 0) throw new CommandError('BadValue', 'skip value must be non-negative')
    let found = collection
      ? countMatching(collection, { filter, sort: [], skip: 0, limit: 0, hint })
      : 0
    found = Math.max(0, found - skip)
    reply.value('n', countValue(limit ? Math.min(found, limit) : found))
  },
}

export const distinct: Command = {
  writes: false,
  fields: ['key', 'query', 'collation', 'hint'],
  run(request, reply) {
    checkCollation(request.fields.get('collation'))
    const key = request.fields.get('key')
    if (key?.type !== T.string) throw new CommandError('TypeMismatch', 'distinct needs a key')
    const collection = findCollection(request)
    const filter = filterOf(objectField(request, 'query'))
    const found = new Map<string, Value>()
    const add = (value: Value) => {
      const identity = keyText(value)
      if (!found.has(identity)) found.set(identity, value)
    }
    if (collection) {
      const plan = planQuery(collection, filter, [], hintOf(collection, request.fields.get('hint')))
      for (const { body } of new Execution(collection, plan).rows()) {
        reach(documentValue(body), text(key).split('.'), 0, (value) => {
          if (value?.type === T.array) items(value).forEach(add)
          else if (value) add(value)
          return false
        })
      }
    }
    const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
    reply.value('values', arrayValue(sorted))
  },
}
