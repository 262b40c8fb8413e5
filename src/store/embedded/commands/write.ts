import { toNumber } from '../bson/numbers.ts'
import { maxDocumentBytes, maxNesting, validateDocument } from '../bson/validate.ts'
import {
  documentValue,
  entries,
  field,
  items,
  objectIdValue,
  T,
  truthy,
  typeNames,
  type Value,
} from '../bson/value.ts'
import type { BsonWriter } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import { type Filter, parseFilter } from '../query/filter.ts'
import { planQuery } from '../query/planner.ts'
import { parseProjection } from '../query/projection.ts'
import { parseSort, Sorter, type SortField, sortKey } from '../query/sort.ts'
import type { Collection, Row } from '../storage/collection.ts'
import type { Index } from '../storage/index.ts'
import { applyUpdate, applyUpsert, withId } from '../update/apply.ts'
import { newObjectId } from '../update/object-id.ts'
import { parseUpdate, type Update } from '../update/parse.ts'
import {
  arrayField,
  type Command,
  checkCollation,
  collectionName,
  filterOf,
  findCollection,
  flagField,
  hintOf,
  objectField,
  type Request,
} from './context.ts'

interface WriteError {
  index: number
  error: CommandError
}

/** The statements of a write command: beside the body, or as an array in it. */
function statements(request: Request, name: string): Value[] {
  const list = request.sequences.get(name)
  const array = arrayField(request, name)
  if (list && array) throw new CommandError('FailedToParse', `${name} was given twice`)
  const all = list ?? (array ? items(array) : [])
  if (all.length === 0 || all.length > 100_000) {
    throw new CommandError(
      'BadValue',
      `Write batch sizes must be between 1 and 100000. Got ${all.length}`,
    )
  }
  if (all.some((one) => one.type !== T.object)) {
    throw new CommandError('TypeMismatch', `each of ${name} must be an object`)
  }
  return all
}

/** Ordered stops at the first failure, unordered goes on; each failure names its statement. */
function runAll(request: Request, list: Value[], run: (one: Value, index: number) => void) {
  const errors: WriteError[] = []
  const isOrdered = flagField(request, 'ordered', true)
  for (const [index, one] of list.entries()) {
    try {
      run(one, index)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      errors.push({ index, error })
      if (isOrdered) break
    }
  }
  return errors
}

export function writeErrorFields(error: CommandError, reply: BsonWriter) {
  reply.int32('code', error.code)
  if (error.keyPattern) reply.value('keyPattern', error.keyPattern)
  if (error.keyValue) reply.value('keyValue', error.keyValue)
  reply.string('errmsg', error.message)
}

function writeErrors(errors: WriteError[], reply: BsonWriter) {
  if (errors.length === 0) return
  const list = reply.array('writeErrors')
  for (const [i, { index, error }] of errors.entries()) {
    const one = reply.object(i)
    reply.int32('index', index)
    writeErrorFields(error, reply)
    reply.close(one)
  }
  reply.close(list)
}

/** @throws {CommandError} BSONObjectTooLarge, InvalidBSON, BadValue for an _id that cannot be */
function storedForm(document: Value): Buffer {
  const id = field(document, '_id')
  if (id) checkId(id)
  const whole = withId(id ?? objectIdValue(newObjectId()), document)
  const bytes = whole.bytes.subarray(whole.start, whole.end)
  if (bytes.length > maxDocumentBytes) {
    throw new CommandError(
      'BSONObjectTooLarge',
      `object to insert too large: ${bytes.length} bytes`,
    )
  }
  validateDocument(bytes, 0, bytes.length, maxNesting)
  return bytes
}

function checkId(id: Value) {
  if (id.type === T.array || id.type === T.regex || id.type === T.undefined) {
    throw new CommandError('BadValue', `The '_id' value cannot be of type ${typeNames[id.type]}`)
  }
}

const insert: Command = {
  writes: true,
  fields: ['documents', 'ordered', 'bypassDocumentValidation'],
  run(request, reply) {
    const documents = statements(request, 'documents')
    const collection = request.server.catalog.getOrCreate(request.database, collectionName(request))
    let count = 0
    const errors = runAll(request, documents, (document) => {
      collection.insert(storedForm(document))
      count++
    })
    reply.int32('n', count)
    writeErrors(errors, reply)
  },
}

/** The first match in the order of `sort`. */
function firstRow(
  collection: Collection,
  filter: Filter,
  sort: SortField[],
  hint: Index | 'natural' | undefined,
): Row | undefined {
  const plan = planQuery(collection, filter, sort, hint)
  const rows = new Execution(collection, plan).rows()
  if (plan.sorted) {
    for (const row of rows) return row
    return undefined
  }
  const sorter = new Sorter<{ size: number; row: Row }>(1)
  for (const row of rows) {
    sorter.push(sortKey(sort, documentValue(row.body)), { size: row.body.length, row })
  }
  return sorter.finish()[0]?.row
}

/** The ids are gathered first: a change must not move a document into the scan's way again. */
function matchingIds(
  collection: Collection,
  filter: Filter,
  hint: Index | 'natural' | undefined,
): number[] {
  const ids: number[] = []
  const plan = planQuery(collection, filter, [], hint)
  for (const { id } of new Execution(collection, plan).rows()) ids.push(id)
  return ids
}

/** Returns whether the document is another one now. */
function change(
  collection: Collection,
  row: Row,
  update: Update,
  filter: Filter,
): Buffer | undefined {
  const after = applyUpdate(update, documentValue(row.body), filter)
  if (after.equals(row.body)) return undefined
  collection.replace(row, after)
  return after
}

function insertUpsert(collection: Collection, update: Update, filter: Filter): Buffer {
  const body = applyUpsert(update, filter)
  checkId(field(documentValue(body), '_id')!)
  collection.insert(body)
  return body
}

const statementFields: Record<string, string[]> = {
  update: ['q', 'u', 'upsert', 'multi', 'arrayFilters', 'collation', 'hint', 'sort'],
  delete: ['q', 'limit', 'collation', 'hint'],
}

function checkStatement(request: Request, statement: Value): Value {
  const allowed = statementFields[request.name]!
  for (const name of namesOf(statement)) {
    if (!allowed.includes(name)) {
      throw new CommandError(
        'UnknownField',
        `BSON field '${request.name}.${name}' is an unknown field.`,
      )
    }
  }
  checkCollation(field(statement, 'collation'))
  const filter = field(statement, 'q')
  if (filter?.type !== T.object) throw new CommandError('TypeMismatch', 'q must be an object')
  return filter
}

function namesOf(value: Value): string[] {
  return [...entries(value)].map(([name]) => name)
}

const update: Command = {
  writes: true,
  fields: ['updates', 'ordered', 'bypassDocumentValidation'],
  run(request, reply) {
    const list = statements(request, 'updates')
    let matched = 0
    let modified = 0
    const upserted: { index: number; id: Value }[] = []
    const errors = runAll(request, list, (statement, index) => {
      const filterSource = checkStatement(request, statement)
      const filter = parseFilter(filterSource)
      const source = field(statement, 'u')
      if (!source) throw new CommandError('FailedToParse', 'an update needs u')
      const parsed = parseUpdate(source, field(statement, 'arrayFilters'))
      const isMulti = truthy(field(statement, 'multi'))
      if (isMulti && parsed.kind === 'replace') {
        throw new CommandError(
          'FailedToParse',
          'multi update is not supported for replacement-style update',
        )
      }
      let collection = findCollection(request)
      const hint = hintOf(collection, field(statement, 'hint'))
      const before = matched
      if (collection && isMulti) {
        for (const id of matchingIds(collection, filter, hint)) {
          matched++
          if (change(collection, collection.get(id)!, parsed, filter)) modified++
        }
      } else if (collection) {
        const row = firstRow(collection, filter, parseSort(field(statement, 'sort')), hint)
        if (row) {
          matched++
          if (change(collection, row, parsed, filter)) modified++
        }
      }
      if (matched > before || !truthy(field(statement, 'upsert'))) return
      collection ??= request.server.catalog.getOrCreate(request.database, collectionName(request))
      const body = insertUpsert(collection, parsed, filter)
      upserted.push({ index, id: field(documentValue(body), '_id')! })
    })
    reply.int32('n', matched + upserted.length)
    reply.int32('nModified', modified)
    if (upserted.length > 0) {
      const array = reply.array('upserted')
      for (const [i, { index, id }] of upserted.entries()) {
        const one = reply.object(i)
        reply.int32('index', index)
        reply.value('_id', id)
        reply.close(one)
      }
      reply.close(array)
    }
    writeErrors(errors, reply)
  },
}

const remove: Command = {
  writes: true,
  fields: ['deletes', 'ordered'],
  run(request, reply) {
    const list = statements(request, 'deletes')
    let count = 0
    const errors = runAll(request, list, (statement) => {
      const filter = parseFilter(checkStatement(request, statement))
      const limit = field(statement, 'limit')
      const howMany = limit ? toNumber(limit) : Number.NaN
      if (howMany !== 0 && howMany !== 1) {
        throw new CommandError('FailedToParse', 'The limit field in delete objects must be 0 or 1')
      }
      const collection = findCollection(request)
      if (!collection) return
      const hint = hintOf(collection, field(statement, 'hint'))
      if (howMany === 1) {
        const row = firstRow(collection, filter, [], hint)
        if (row) {
          collection.remove(row)
          count++
        }
      } else {
        for (const id of matchingIds(collection, filter, hint)) {
          collection.remove(collection.get(id)!)
          count++
        }
      }
    })
    reply.int32('n', count)
    writeErrors(errors, reply)
  },
}

interface Outcome {
  before?: Buffer
  after?: Buffer
  isUpsert?: boolean
}

function modify(request: Request, filter: Filter): Outcome {
  let collection = findCollection(request)
  const hint = hintOf(collection, request.fields.get('hint'))
  const sort = parseSort(objectField(request, 'sort'))
  const row = collection && firstRow(collection, filter, sort, hint)
  const source = request.fields.get('update')
  if (flagField(request, 'remove')) {
    if (source || flagField(request, 'upsert') || flagField(request, 'new')) {
      throw new CommandError('FailedToParse', "Cannot specify 'remove' with update, upsert or new")
    }
    if (!row) return {}
    collection!.remove(row)
    return { before: row.body }
  }
  if (!source) {
    throw new CommandError('FailedToParse', 'Either an update or remove=true must be specified')
  }
  const parsed = parseUpdate(source, arrayField(request, 'arrayFilters'))
  if (row) {
    return { before: row.body, after: change(collection!, row, parsed, filter) ?? row.body }
  }
  if (!flagField(request, 'upsert')) return {}
  collection ??= request.server.catalog.getOrCreate(request.database, collectionName(request))
  return { after: insertUpsert(collection, parsed, filter), isUpsert: true }
}

const findAndModify: Command = {
  writes: true,
  fields: [
    'query',
    'sort',
    'remove',
    'update',
    'new',
    'fields',
    'upsert',
    'arrayFilters',
    'hint',
    'collation',
    'bypassDocumentValidation',
  ],
  run(request, reply) {
    checkCollation(request.fields.get('collation'))
    const filter = filterOf(objectField(request, 'query'))
    const projection = parseProjection(objectField(request, 'fields'), 'find', filter)
    const isRemove = flagField(request, 'remove')
    const outcome = modify(request, filter)
    const status = reply.object('lastErrorObject')
    reply.int32('n', outcome.before || outcome.isUpsert ? 1 : 0)
    if (!isRemove) reply.bool('updatedExisting', outcome.before !== undefined)
    if (outcome.isUpsert) {
      reply.value('upserted', field(documentValue(outcome.after!), '_id')!)
    }
    reply.close(status)
    const shown = flagField(request, 'new') ? outcome.after : outcome.before
    if (!shown) reply.null('value')
    else {
      const document = documentValue(shown)
      reply.value('value', projection ? projection(document) : document)
    }
  },
}

export const writeCommands: Record<string, Command> = {
  insert,
  update,
  delete: remove,
  findAndModify,
  findandmodify: findAndModify,
}
