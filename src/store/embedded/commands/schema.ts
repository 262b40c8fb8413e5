import { isInteger, toNumber } from '../bson/numbers.ts'
import { documentValue, entries, field, int32Value, items, T, text, Value } from '../bson/value.ts'
import { type BsonWriter, buildDocument, objectValue } from '../bson/writer.ts'
import { CommandError, unsupported } from '../errors.ts'
import { parseFilter } from '../query/filter.ts'
import { matches } from '../query/match.ts'
import type { Collection } from '../storage/collection.ts'
import { type Index, normaliseSpec, sameKey } from '../storage/index.ts'
import { checkCollection } from '../storage/integrity.ts'
import {
  arrayField,
  type Command,
  checkCollation,
  collectionName,
  findCollection,
  flagField,
  objectField,
  type Request,
} from './context.ts'

function needCollection(request: Request): Collection {
  const collection = findCollection(request)
  if (collection) return collection
  throw new CommandError(
    'NamespaceNotFound',
    `ns not found: ${request.database}.${collectionName(request)}`,
  )
}

const create: Command = {
  writes: true,
  fields: [
    'capped',
    'size',
    'max',
    'timeseries',
    'expireAfterSeconds',
    'clusteredIndex',
    'validator',
    'validationLevel',
    'validationAction',
    'viewOn',
    'pipeline',
    'collation',
    'storageEngine',
    'indexOptionDefaults',
    'changeStreamPreAndPostImages',
    'encryptedFields',
    'autoIndexId',
  ],
  run(request) {
    for (const name of ['timeseries', 'clusteredIndex', 'validator', 'viewOn', 'encryptedFields']) {
      if (request.fields.has(name)) throw unsupported(`create with ${name}`)
    }
    if (flagField(request, 'capped')) throw unsupported('capped collections')
    checkCollation(request.fields.get('collation'))
    if (findCollection(request)) {
      const namespace = `${request.database}.${collectionName(request)}`
      throw new CommandError('NamespaceExists', `Collection ${namespace} already exists.`)
    }
    request.server.catalog.create(request.database, collectionName(request), objectValue([]))
  },
}

const drop: Command = {
  writes: true,
  fields: [],
  run(request, reply) {
    const collection = needCollection(request)
    reply.int32('nIndexesWas', collection.indexes.length)
    reply.string('ns', collection.namespace)
    request.server.catalog.drop(collection)
  },
}

const dropDatabase: Command = {
  writes: true,
  fields: [],
  run(request, reply) {
    const { catalog } = request.server
    for (const collection of catalog.of(request.database)) catalog.drop(collection)
    reply.string('dropped', request.database)
  },
}

const createIndexes: Command = {
  writes: true,
  fields: ['indexes', 'commitQuorum', 'ignoreUnknownIndexOptions'],
  run(request, reply) {
    const specs = items(arrayField(request, 'indexes') ?? emptyArray).map(normaliseSpec)
    if (specs.length === 0) throw new CommandError('BadValue', 'Must specify at least one index')
    const { catalog } = request.server
    const isNew = !findCollection(request)
    const collection = catalog.getOrCreate(request.database, collectionName(request))
    const before = collection.indexes.length
    for (const spec of specs) catalog.createIndex(collection, spec)
    reply.int32('numIndexesBefore', before)
    reply.int32('numIndexesAfter', collection.indexes.length)
    reply.bool('createdCollectionAutomatically', isNew)
    if (collection.indexes.length === before) reply.string('note', 'all indexes already exist')
  },
}

const emptyArray = new Value(
  T.array,
  buildDocument(() => {}),
  0,
  5,
)

function indexesNamed(collection: Collection, which: Value): Index[] {
  if (which.type === T.string && text(which) === '*') {
    return collection.indexes.filter((index) => !index.isId)
  }
  const list = which.type === T.array ? items(which) : [which]
  return list.map((one) => {
    const index = collection.indexes.find((known) =>
      one.type === T.string ? known.name === text(one) : sameKey(known.keyPattern, one),
    )
    if (!index) throw new CommandError('IndexNotFound', 'index not found with that name or key')
    if (index.isId) throw new CommandError('InvalidOptions', 'cannot drop _id index')
    return index
  })
}

const dropIndexes: Command = {
  writes: true,
  fields: ['index'],
  run(request, reply) {
    const collection = needCollection(request)
    const which = request.fields.get('index')
    if (!which) throw new CommandError('FailedToParse', 'dropIndexes needs index')
    const indexes = indexesNamed(collection, which)
    reply.int32('nIndexesWas', collection.indexes.length)
    for (const index of indexes) request.server.catalog.dropIndex(collection, index)
  },
}

/** A cursor that is complete in its first batch. */
function writeAll(reply: BsonWriter, namespace: string, documents: Iterable<Value>) {
  const cursor = reply.object('cursor')
  const batch = reply.array('firstBatch')
  let count = 0
  for (const document of documents) reply.value(count++, document)
  reply.close(batch)
  reply.int64('id', 0n)
  reply.string('ns', namespace)
  reply.close(cursor)
}

const listIndexes: Command = {
  writes: false,
  fields: ['cursor'],
  run(request, reply) {
    const collection = needCollection(request)
    const inOrder = collection.indexes.toSorted((a, b) => a.id - b.id)
    writeAll(
      reply,
      collection.namespace,
      inOrder.map((index) => index.spec),
    )
  },
}

const listCollections: Command = {
  writes: false,
  fields: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run(request, reply) {
    const filter = objectField(request, 'filter')
    const parsed = filter && parseFilter(filter)
    const nameOnly = flagField(request, 'nameOnly')
    const shown: Value[] = []
    for (const collection of request.server.catalog.of(request.database)) {
      const document = documentValue(
        buildDocument((writer) => {
          writer.string('name', collection.name)
          writer.string('type', 'collection')
          if (nameOnly) return
          writer.value('options', collection.options)
          const info = writer.object('info')
          writer.bool('readOnly', false)
          writer.element(T.binary, 'uuid')
          writer.at = writer.bytes.writeInt32LE(16, writer.at)
          writer.bytes[writer.at++] = 4
          writer.raw(new Value(T.binary, collection.uuid, 0, 16))
          writer.close(info)
          writer.value('idIndex', collection.idIndex.spec)
        }),
      )
      if (!parsed || matches(parsed, document)) shown.push(document)
    }
    writeAll(reply, `${request.database}.$cmd.listCollections`, shown)
  },
}

const listDatabases: Command = {
  writes: false,
  fields: ['filter', 'nameOnly', 'authorizedDatabases'],
  run(request, reply) {
    const filter = objectField(request, 'filter')
    const parsed = filter && parseFilter(filter)
    const names = new Set(request.server.catalog.all().map(({ database }) => database))
    const list = reply.array('databases')
    let count = 0
    for (const name of [...names].sort()) {
      const document = documentValue(
        buildDocument((writer) => {
          writer.string('name', name)
          if (!flagField(request, 'nameOnly')) {
            // Databases share one file; sizes by database are not known.
            writer.int64('sizeOnDisk', 0n)
            writer.bool('empty', false)
          }
        }),
      )
      if (!parsed || matches(parsed, document)) reply.value(count++, document)
    }
    reply.close(list)
  },
}

/** Only an index's expireAfterSeconds can be changed. */
const collMod: Command = {
  writes: true,
  fields: ['index'],
  run(request, reply) {
    const collection = needCollection(request)
    const change = objectField(request, 'index')
    if (!change) throw unsupported('collMod without index')
    for (const [name] of entries(change)) {
      if (!['name', 'keyPattern', 'expireAfterSeconds'].includes(name)) {
        throw unsupported(`collMod of ${name}`)
      }
    }
    const which = field(change, 'name') ?? field(change, 'keyPattern')
    const seconds = field(change, 'expireAfterSeconds')
    if (!which || !seconds)
      throw new CommandError('InvalidOptions', 'collMod needs an index and a change')
    const [index] = indexesNamed(collection, which)
    const old = field(index!.spec, 'expireAfterSeconds')
    const spec = normaliseSpec(
      objectValue(new Map(entries(index!.spec)).set('expireAfterSeconds', seconds)),
    )
    request.server.catalog.changeIndex(collection, index!, spec)
    if (old) reply.value('expireAfterSeconds_old', old)
    reply.value(
      'expireAfterSeconds_new',
      isInteger(seconds) ? seconds : int32Value(toNumber(seconds)),
    )
  },
}

/** Compares every index with the documents; takes long on a big collection. */
const validate: Command = {
  writes: false,
  fields: ['full', 'background', 'metadata'],
  run(request, reply) {
    const collection = needCollection(request)
    const errors = checkCollection(request.server.db, collection)
    reply.string('ns', collection.namespace)
    reply.int32('nrecords', collection.count())
    reply.int32('nIndexes', collection.indexes.length)
    reply.bool('valid', errors.length === 0)
    const list = reply.array('errors')
    for (const [i, error] of errors.entries()) reply.string(i, error)
    reply.close(list)
  },
}

export const schemaCommands: Record<string, Command> = {
  create,
  drop,
  dropDatabase,
  createIndexes,
  dropIndexes,
  deleteIndexes: dropIndexes,
  listIndexes,
  listCollections,
  listDatabases,
  collMod,
  validate,
}
