import { documentValue, field } from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import type { Filter } from '../query/filter.ts'
import { parseProjection } from '../query/projection.ts'
import { parseSort } from '../query/sort.ts'
import { parseUpdate } from '../update/parse.ts'
import { change, firstRow, insertUpsert } from './changes.ts'
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

export const findAndModify: Command = {
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
