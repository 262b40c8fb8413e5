import { isInteger, toBigInt } from '../bson/numbers.ts'
import { maxDocumentBytes } from '../bson/validate.ts'
import { entries, items, T, text, type Value } from '../bson/value.ts'
import { arrayValue, type BsonWriter } from '../bson/writer.ts'
import { type Cursor, firstBatchSize, maxBatchBytes, type Results, Source } from '../cursors.ts'
import { CommandError, unsupported } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import type { Filter, FilterOptions } from '../query/filter.ts'
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

export function findQuery(request: Request, collection: Collection | undefined): Query {
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

export function writeFirstBatch(
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

export const noResults: Results = { documents: [].values(), sources: [] }

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

export const readCommands: Record<string, Command> = {
  find,
  getMore,
  killCursors,
}
