import { toNumber } from '../bson/numbers.ts'
import { field, isNumber, T, text, truthy, type Value } from '../bson/value.ts'
import type { BsonWriter } from '../bson/writer.ts'
import type { Cursors } from '../cursors.ts'
import { CommandError, unsupported } from '../errors.ts'
import { type Filter, type FilterOptions, parseFilter } from '../query/filter.ts'
import type { Catalog } from '../storage/catalog.ts'
import type { Collection } from '../storage/collection.ts'
import type { Database } from '../storage/database.ts'
import { type Index, sameKey } from '../storage/index.ts'
import type { Message } from '../wire/message.ts'

export interface Server {
  db: Database
  catalog: Catalog
  cursors: Cursors
  startedAt: number
  connections: () => number
}

export interface Request extends Message {
  server: Server
}

export interface Command {
  /** Runs in a transaction that is on the disk before the answer goes out. */
  writes: boolean
  /** Fields it understands besides the general ones; any other is refused. `any`: none is. */
  fields: readonly string[] | 'any'
  /** Writes the fields of the answer; `ok` is added. */
  run(request: Request, reply: BsonWriter): void
}

/** Every command may carry these; what is said here of sessions has no effect (see hello). */
const general = new Set([
  '$db',
  'lsid',
  '$readPreference',
  '$clusterTime',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
  'comment',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
])

/** @throws {CommandError} UnknownField, IllegalOperation for a transaction */
export function checkFields(command: Command, request: Request) {
  for (const name of request.fields.keys()) {
    if (name === request.name || general.has(name)) continue
    if (command.fields === 'any' || command.fields.includes(name)) continue
    if (['txnNumber', 'startTransaction', 'autocommit', 'stmtId'].includes(name)) {
      throw new CommandError(
        'IllegalOperation',
        'Transaction numbers are only allowed on a replica set member or mongos',
      )
    }
    throw new CommandError(
      'UnknownField',
      `BSON field '${request.name}.${name}' is an unknown field.`,
    )
  }
  const level = request.fields.get('readConcern')
  const name = level?.type === T.object ? field(level, 'level') : undefined
  if (name?.type === T.string && text(name) === 'snapshot') throw unsupported('snapshot reads')
}

const wrongType = (request: Request, name: string, wanted: string) =>
  new CommandError('TypeMismatch', `BSON field '${request.name}.${name}' must be ${wanted}`)

export function collectionName(request: Request): string {
  const value = request.fields.get(request.name)
  if (value?.type !== T.string) throw wrongType(request, request.name, 'a string')
  const name = text(value)
  if (name === '') {
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${request.database}.'`)
  }
  return name
}

export function findCollection(request: Request): Collection | undefined {
  return request.server.catalog.get(request.database, collectionName(request))
}

export function objectField(request: Request, name: string): Value | undefined {
  const value = request.fields.get(name)
  if (!value || value.type === T.null) return undefined
  if (value.type !== T.object) throw wrongType(request, name, 'an object')
  return value
}

export function arrayField(request: Request, name: string): Value | undefined {
  const value = request.fields.get(name)
  if (value && value.type !== T.array) throw wrongType(request, name, 'an array')
  return value
}

export function numberField(request: Request, name: string): number | undefined {
  const value = request.fields.get(name)
  if (!value || value.type === T.null) return undefined
  if (!isNumber(value)) throw wrongType(request, name, 'a number')
  const number = Math.trunc(toNumber(value))
  if (!Number.isSafeInteger(number)) throw wrongType(request, name, 'a smaller number')
  return number
}

export function flagField(request: Request, name: string, fallback = false): boolean {
  const value = request.fields.get(name)
  return value ? truthy(value) : fallback
}

const emptyFilter: Filter = { kind: 'always', matches: true }

export function filterOf(value: Value | undefined, options: FilterOptions = {}): Filter {
  return value ? parseFilter(value, options) : emptyFilter
}

/** Strings compare by their bytes here; any other collation would give another order. */
export function checkCollation(value: Value | undefined) {
  if (!value || value.type !== T.object) return
  const locale = field(value, 'locale')
  if (locale?.type === T.string && text(locale) === 'simple') return
  throw unsupported('collation')
}

/** @throws {CommandError} BadValue when no index has that name or key */
export function hintOf(
  collection: Collection | undefined,
  hint: Value | undefined,
): Index | 'natural' | undefined {
  if (!hint || !collection) return undefined
  if (hint.type === T.object && field(hint, '$natural')) return 'natural'
  const index = collection.indexes.find((one) =>
    hint.type === T.string ? one.name === text(hint) : sameKey(one.keyPattern, hint),
  )
  if (!index) {
    throw new CommandError('BadValue', 'hint provided does not correspond to an existing index')
  }
  return index
}
