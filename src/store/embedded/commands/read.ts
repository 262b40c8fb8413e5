import {
  type PipelineContext,
  parsePipeline,
  runStages,
  type Stage,
} from '../aggregation/pipeline.ts'
import { keyText } from '../bson/key.ts'
import { countValue, isInteger, toBigInt, toNumber } from '../bson/numbers.ts'
import { maxDocumentBytes } from '../bson/validate.ts'
import { documentValue, entries, field, items, T, text, type Value } from '../bson/value.ts'
import { arrayValue, type BsonWriter, objectValue } from '../bson/writer.ts'
import { type Cursor, firstBatchSize, maxBatchBytes, type Results, Source } from '../cursors.ts'
import { CommandError, unsupported } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import type { Filter, FilterOptions } from '../query/filter.ts'
import { reach } from '../query/match.ts'
import { type Plan, planQuery } from '../query/planner.ts'
import { type Projection, parseProjection } from '../query/projection.ts'
import { parseSort, Sorter, type SortField, sortKey } from '../query/sort.ts'
import type { Collection } from '../storage/collection.ts'
import type { Index } from '../storage/index.ts'
import {
  arrayField,
  type Command,
  checkCollation,
  collectionName,
  filterOf,
  findCollection,
  flagField,
  hintOf,
  numberField,
  objectField,
  type Request,
} from './context.ts'

/** A query as find, aggregate and explain share it. */
export interface Query {
  filter: Filter
  sort: SortField[]
  skip: number
  /** 0 is no limit. */
  limit: number
  hint?: Index | 'natural' | undefined
  projection?: Projection | undefined
}

export function letVariables(request: Request): FilterOptions {
  const variables = objectField(request, 'let')
  return variables ? { variables: new Map(entries(variables)) } : {}
}

function findQuery(request: Request, collection: Collection | undefined): Query {
  checkCollation(request.fields.get('collation'))
  for (const name of ['tailable', 'awaitData', 'returnKey', 'showRecordId']) {
    if (flagField(request, name)) throw unsupported(`find with ${name}`)
  }
  for (const name of ['min', 'max']) {
    if (request.fields.has(name)) throw unsupported(`find with ${name}`)
  }
  const filter = filterOf(objectField(request, 'filter'), letVariables(request))
  const skip = numberField(request, 'skip') ?? 0
  const limit = numberField(request, 'limit') ?? 0
  if (skip < 0) throw new CommandError('BadValue', 'skip value must be non-negative')
  return {
    filter,
    sort: parseSort(objectField(request, 'sort')),
    skip,
    limit: Math.abs(limit),
    hint: hintOf(collection, request.fields.get('hint')),
    projection: parseProjection(objectField(request, 'projection'), 'find', filter),
  }
}

export function planOf(collection: Collection, query: Query): Plan {
  return planQuery(collection, query.filter, query.sort, query.hint)
}

/** The documents of a query, in order, not read until asked for unless a sort needs them all. */
export function runQuery(collection: Collection, query: Query, execution?: Execution): Results {
  const run = execution ?? new Execution(collection, planOf(collection, query))
  const source = new Source(run)
  let documents: Iterator<Value> = source
  let { skip } = query
  if (!run.plan.sorted) {
    const sorter = new Sorter<Value>(query.limit ? query.skip + query.limit : undefined)
    for (const document of source) sorter.push(sortKey(query.sort, document), document)
    documents = sorter.finish().slice(skip).values()
    skip = 0
  }
  if (skip || query.limit || query.projection) {
    documents = shaped(documents, skip, query.limit, query.projection)
  }
  return { documents, sources: [source] }
}

function* shaped(
  documents: Iterator<Value>,
  skip: number,
  limit: number,
  projection: Projection | undefined,
): Generator<Value> {
  for (let i = 0; i < skip; i++) if (documents.next().done) return
  for (let given = 0; limit === 0 || given < limit; given++) {
    const step = documents.next()
    if (step.done) return
    yield projection ? projection(step.value) : step.value
  }
}

/** Fills a batch. Returns true when there is nothing more. */
function writeBatch(cursor: Omit<Cursor, 'id' | 'lastUsed'>, size: number, reply: BsonWriter) {
  try {
    return fillBatch(cursor, size, reply)
  } finally {
    // No statement stays open between two commands: it would lock its table against dropping.
    for (const source of cursor.sources) source.pause()
  }
}

function fillBatch(cursor: Omit<Cursor, 'id' | 'lastUsed'>, size: number, reply: BsonWriter) {
  const start = reply.at
  for (let count = 0; count < size; count++) {
    let document = cursor.waiting
    cursor.waiting = undefined
    if (!document) {
      const step = cursor.documents.next()
      if (step.done) return true
      document = step.value
    }
    // Stored documents are within the limit; an aggregation can build a larger one.
    if (document.size > maxDocumentBytes) {
      throw new CommandError('BSONObjectTooLarge', `a result of ${document.size} bytes`)
    }
    if (count > 0 && reply.at - start + document.size > maxBatchBytes) {
      cursor.waiting = document
      return false
    }
    reply.value(count, document)
  }
  return false
}

function writeFirstBatch(
  request: Request,
  namespace: string,
  results: Results,
  size: number,
  singleBatch: boolean,
  reply: BsonWriter,
) {
  const cursor = { ...results, namespace, waiting: undefined }
  const outer = reply.object('cursor')
  const batch = reply.array('firstBatch')
  const done = writeBatch(cursor, size, reply)
  reply.close(batch)
  const isOpen = !done && !singleBatch
  reply.int64('id', isOpen ? request.server.cursors.keep(cursor) : 0n)
  reply.string('ns', namespace)
  reply.close(outer)
}

const find: Command = {
  writes: false,
  fields: [
    'filter',
    'sort',
    'projection',
    'hint',
    'skip',
    'limit',
    'batchSize',
    'singleBatch',
    'let',
    'collation',
    'allowDiskUse',
    'allowPartialResults',
    'noCursorTimeout',
    'tailable',
    'awaitData',
    'oplogReplay',
    'min',
    'max',
    'returnKey',
    'showRecordId',
  ],
  run(request, reply) {
    const collection = findCollection(request)
    const query = findQuery(request, collection)
    const results = collection ? runQuery(collection, query) : noResults
    const limit = numberField(request, 'limit') ?? 0
    const isSingle = limit < 0 || flagField(request, 'singleBatch')
    let size = numberField(request, 'batchSize') ?? firstBatchSize
    if (size < 0) throw new CommandError('BadValue', 'batchSize must not be negative')
    // One more step tells that the limit was reached, so that no cursor is left open for nothing.
    if (query.limit && query.limit <= size) size = query.limit + 1
    const namespace = `${request.database}.${collectionName(request)}`
    writeFirstBatch(request, namespace, results, size, isSingle, reply)
  },
}

const noResults: Results = { documents: [].values(), sources: [] }

const getMore: Command = {
  writes: false,
  fields: ['collection', 'batchSize'],
  run(request, reply) {
    const idValue = request.fields.get('getMore')!
    const name = request.fields.get('collection')
    if (!isInteger(idValue) || name?.type !== T.string) {
      throw new CommandError('TypeMismatch', 'getMore needs a cursor id and a collection')
    }
    const id = toBigInt(idValue)
    const { cursors } = request.server
    const cursor = cursors.take(id, `${request.database}.${text(name)}`)
    const size = numberField(request, 'batchSize') || Number.POSITIVE_INFINITY
    const outer = reply.object('cursor')
    const batch = reply.array('nextBatch')
    let done: boolean
    try {
      done = writeBatch(cursor, size, reply)
    } catch (error) {
      cursors.close(id)
      throw error
    }
    reply.close(batch)
    if (done) cursors.close(id)
    reply.int64('id', done ? 0n : id)
    reply.string('ns', cursor.namespace)
    reply.close(outer)
  },
}

const killCursors: Command = {
  writes: false,
  fields: ['cursors'],
  run(request, reply) {
    const killed: Value[] = []
    const notFound: Value[] = []
    for (const id of items(arrayField(request, 'cursors') ?? arrayValue([]))) {
      const closed = isInteger(id) && request.server.cursors.close(toBigInt(id))
      ;(closed ? killed : notFound).push(id)
    }
    reply.value('cursorsKilled', arrayValue(killed))
    reply.value('cursorsNotFound', arrayValue(notFound))
    reply.value('cursorsAlive', arrayValue([]))
    reply.value('cursorsUnknown', arrayValue([]))
  },
}

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

const count: Command = {
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

const distinct: Command = {
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

/** What the planner can do of the start of a pipeline: $match, then $sort, then $limit. */
export function leadingQuery(stages: Stage[]): { query: Query; rest: Stage[] } {
  const filters: Filter[] = []
  let rest = stages
  while (rest[0]?.filter) {
    filters.push(rest[0].filter)
    rest = rest.slice(1)
  }
  let sort: SortField[] = []
  if (rest[0]?.sort) {
    sort = rest[0].sort
    rest = rest.slice(1)
  }
  let limit = 0
  let skip = 0
  if (rest[0]?.name === '$skip') {
    skip = rest[0].count!
    rest = rest.slice(1)
  }
  if (rest[0]?.name === '$limit') {
    limit = rest[0].count!
    rest = rest.slice(1)
  }
  const filter: Filter =
    filters.length === 0
      ? { kind: 'always', matches: true }
      : filters.length === 1
        ? filters[0]!
        : { kind: 'and', list: filters.flatMap((one) => (one.kind === 'and' ? one.list : [one])) }
  return { query: { filter, sort, skip, limit }, rest }
}

/** `[$match, $group {_id: constant, n: {$sum: 1}}]`: how drivers spell countDocuments. */
function countedField(pipeline: Value): { id: Value; name: string } | undefined {
  const list = items(pipeline)
  if (list.length === 0 || list.length > 2) return undefined
  if (list.length === 2 && !field(list[0]!, '$match')) return undefined
  const group = field(list.at(-1)!, '$group')
  if (group?.type !== T.object) return undefined
  const [id, total, more] = [...entries(group)]
  if (id?.[0] !== '_id' || !total || more || id[1].type !== T.int32) return undefined
  const sum = total[1].type === T.object ? field(total[1], '$sum') : undefined
  return sum?.type === T.int32 && toNumber(sum) === 1 ? { id: id[1], name: total[0] } : undefined
}

export function aggregateResults(request: Request, collection: Collection | undefined): Results {
  checkCollation(request.fields.get('collation'))
  const pipeline = arrayField(request, 'pipeline')
  if (!pipeline) throw new CommandError('TypeMismatch', "'pipeline' option must be an array")
  const options = letVariables(request)
  const { query, rest } = leadingQuery(parsePipeline(pipeline, options))
  query.hint = hintOf(collection, request.fields.get('hint'))
  const counted = countedField(pipeline)
  if (counted) {
    const total = collection ? countMatching(collection, query) : 0
    const result = objectValue([
      ['_id', counted.id],
      [counted.name, countValue(total)],
    ])
    return { documents: (total > 0 ? [result] : []).values(), sources: [] }
  }
  const results = collection ? runQuery(collection, query) : { ...noResults, sources: [] }
  const context: PipelineContext = {
    collection(name, filter) {
      const other = request.server.catalog.get(request.database, name)
      if (!other) return []
      const source = new Source(new Execution(other, planQuery(other, filter)))
      // Only a source that may be left half read ($unionWith) must be let go between answers.
      if (filter.kind === 'always') results.sources.push(source)
      return source
    },
  }
  const documents = { [Symbol.iterator]: () => results.documents }
  const flow = runStages(rest, documents, context)
  return { documents: flow[Symbol.iterator](), sources: results.sources }
}

const aggregate: Command = {
  writes: false,
  fields: [
    'pipeline',
    'cursor',
    'allowDiskUse',
    'collation',
    'hint',
    'let',
    'explain',
    'bypassDocumentValidation',
  ],
  run(request, reply) {
    if (request.fields.get('aggregate')?.type !== T.string) {
      throw unsupported('aggregate on a whole database')
    }
    const options = objectField(request, 'cursor')
    const batchSize = options && field(options, 'batchSize')
    const size = batchSize ? toNumber(batchSize) : firstBatchSize
    const results = aggregateResults(request, findCollection(request))
    const namespace = `${request.database}.${collectionName(request)}`
    writeFirstBatch(request, namespace, results, size, false, reply)
  },
}

export const readCommands: Record<string, Command> = {
  find,
  getMore,
  killCursors,
  count,
  distinct,
  aggregate,
}
export { findQuery }
