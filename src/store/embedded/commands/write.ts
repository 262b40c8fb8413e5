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
  type Value,
} from '../bson/value.ts'
import type { BsonWriter } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { parseFilter } from '../query/filter.ts'
import { parseSort } from '../query/sort.ts'
import { withId } from '../update/apply.ts'
import { newObjectId } from '../update/object-id.ts'
import { parseUpdate } from '../update/parse.ts'
import { change, checkId, firstRow, insertUpsert, matchingIds } from './changes.ts'
import {
  arrayField,
  type Command,
  checkCollation,
  collectionName,
  findCollection,
  flagField,
  hintOf,
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

export const writeCommands: Record<string, Command> = {
  insert,
  update,
  delete: remove,
}
