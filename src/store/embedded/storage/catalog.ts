import { randomBytes } from 'node:crypto'
import { documentValue, field, int32Value, stringValue, text, type Value } from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { Collection, toBuffer } from './collection.ts'
import type { Database } from './database.ts'
import { Index, sameKey } from './index.ts'

const idIndexSpec = objectValue([
  ['v', int32Value(2)],
  ['key', objectValue([['_id', int32Value(1)]])],
  ['name', stringValue('_id_')],
])

/** Databases, collections and indexes: in memory, and in two tables that it is loaded from. */
export class Catalog {
  private collections = new Map<string, Collection>()
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
    this.load()
  }

  /** Also after a rollback, when memory may be ahead of the tables. */
  load() {
    const before = new Map(this.all().map((collection) => [collection.id, collection]))
    this.collections = new Map()
    const rows = this.db
      .prepare('SELECT id, database, name, uuid, options FROM collections')
      .all() as unknown as [number, string, string, unknown, unknown][]
    for (const [id, database, name, uuid, options] of rows) {
      // The same object stays, because open cursors hold it.
      const known = before.get(id)
      const collection =
        known?.namespace === `${database}.${name}`
          ? known
          : new Collection(
              this.db,
              id,
              database,
              name,
              toBuffer(uuid),
              documentValue(toBuffer(options)),
            )
      before.delete(id)
      const indexes = this.db
        .prepare('SELECT id, spec, multikey FROM indexes WHERE collection = ?')
        .all(id) as unknown as [number, unknown, number][]
      collection.setIndexes(
        indexes.map(
          ([indexId, spec, multikey]) =>
            new Index(indexId, documentValue(toBuffer(spec)), multikey),
        ),
      )
      this.collections.set(collection.namespace, collection)
    }
    for (const gone of before.values()) gone.isDropped = true
  }

  get(database: string, name: string): Collection | undefined {
    return this.collections.get(`${database}.${name}`)
  }

  of(database: string): Collection[] {
    return this.all().filter((collection) => collection.database === database)
  }

  all(): Collection[] {
    return [...this.collections.values()]
  }

  getOrCreate(database: string, name: string): Collection {
    return this.get(database, name) ?? this.create(database, name, objectValue([]))
  }

  /** @throws {CommandError} InvalidNamespace */
  create(database: string, name: string, options: Value): Collection {
    if (name === '' || name.includes('\0') || name.includes('$') || name.startsWith('.')) {
      throw new CommandError('InvalidNamespace', `Invalid collection name: '${name}'`)
    }
    if (database.length > 63 || !/^[^\s./\\"$*<>:|?\0]+$/.test(database)) {
      throw new CommandError('InvalidNamespace', `Invalid database name: '${database}'`)
    }
    this.db.schemaTouched = true
    const uuid = randomBytes(16)
    uuid[6] = (uuid[6]! & 0x0f) | 0x40
    uuid[8] = (uuid[8]! & 0x3f) | 0x80
    const { lastInsertRowid } = this.db
      .prepare('INSERT INTO collections (database, name, uuid, options) VALUES (?, ?, ?, ?)')
      .run(database, name, uuid, bytesOf(options))
    const id = Number(lastInsertRowid)
    this.db.sqlite.exec(`CREATE TABLE documents_${id} (id INTEGER PRIMARY KEY, body BLOB NOT NULL)`)
    const collection = new Collection(this.db, id, database, name, uuid, options)
    this.collections.set(collection.namespace, collection)
    this.addIndex(collection, idIndexSpec)
    return collection
  }

  drop(collection: Collection) {
    this.db.schemaTouched = true
    for (const index of collection.indexes) this.dropTable(index.table)
    this.dropTable(collection.table)
    this.db.prepare('DELETE FROM indexes WHERE collection = ?').run(collection.id)
    this.db.prepare('DELETE FROM collections WHERE id = ?').run(collection.id)
    collection.isDropped = true
    this.collections.delete(collection.namespace)
  }

  private dropTable(table: string) {
    this.db.forget(table)
    this.db.sqlite.exec(`DROP TABLE ${table}`)
  }

  /**
   * Makes an index and fills it.
   *
   * @returns false when the same index exists
   * @throws {CommandError} IndexOptionsConflict, IndexKeySpecsConflict, DuplicateKey
   */
  createIndex(collection: Collection, spec: Value): boolean {
    const name = text(field(spec, 'name')!)
    const key = field(spec, 'key')!
    if (sameKey(key, collection.idIndex.keyPattern)) return false
    for (const index of collection.indexes) {
      const [isSameName, isSameKey] = [index.name === name, sameKey(key, index.keyPattern)]
      if (isSameName && isSameKey && sameKey(spec, index.spec)) return false
      if (isSameName) {
        throw new CommandError(
          isSameKey ? 'IndexOptionsConflict' : 'IndexKeySpecsConflict',
          `An existing index has the same name as the requested index. Requested: ${name}`,
        )
      }
      if (isSameKey && samePartial(spec, index.spec)) {
        throw new CommandError(
          'IndexOptionsConflict',
          `Index already exists with a different name: ${index.name}`,
        )
      }
    }
    this.addIndex(collection, spec)
    return true
  }

  private addIndex(collection: Collection, spec: Value) {
    this.db.schemaTouched = true
    const name = text(field(spec, 'name')!)
    const { lastInsertRowid } = this.db
      .prepare('INSERT INTO indexes (collection, name, spec, multikey) VALUES (?, ?, ?, 0)')
      .run(collection.id, name, bytesOf(spec))
    const index = new Index(Number(lastInsertRowid), spec, 0)
    const primary = index.unique ? 'key' : 'key, document'
    this.db.sqlite.exec(
      `CREATE TABLE ${index.table} (key BLOB NOT NULL, document INTEGER NOT NULL, PRIMARY KEY (${primary})) WITHOUT ROWID`,
    )
    for (const [, id, body] of collection.scanDocuments(false)) {
      const document = documentValue(toBuffer(body))
      for (const key of collection.keysOf(index, document)) {
        if (!collection.addEntry(index, key, id as number)) {
          throw collection.duplicate(index, key, document)
        }
      }
    }
    collection.setIndexes([...collection.indexes, index])
  }

  dropIndex(collection: Collection, index: Index) {
    this.db.schemaTouched = true
    this.dropTable(index.table)
    this.db.prepare('DELETE FROM indexes WHERE id = ?').run(index.id)
    collection.setIndexes(collection.indexes.filter((other) => other !== index))
  }

  /** Same index, other options (collMod). */
  changeIndex(collection: Collection, index: Index, spec: Value) {
    this.db.schemaTouched = true
    this.db.prepare('UPDATE indexes SET spec = ? WHERE id = ?').run(bytesOf(spec), index.id)
    collection.setIndexes(
      collection.indexes.map((other) =>
        other === index ? new Index(index.id, spec, index.multikey) : other,
      ),
    )
  }
}

function bytesOf(value: Value): Buffer {
  return Buffer.from(value.bytes.subarray(value.start, value.end))
}

/** Two indexes on one key may differ in what they cover. */
function samePartial(a: Value, b: Value): boolean {
  const [x, y] = [field(a, 'partialFilterExpression'), field(b, 'partialFilterExpression')]
  return x && y ? sameKey(x, y) : !x && !y
}
