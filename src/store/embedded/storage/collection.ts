import type { StatementSync } from 'node:sqlite'
import { follow } from '../aggregation/operator.ts'
import { bracket, encodeKey } from '../bson/key.ts'
import { documentValue, field, items, nullValue, T, type Value } from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import type { Database } from './database.ts'
import type { Index } from './index.ts'
import { indexKeys } from './index-keys.ts'
import { show } from './show.ts'

export interface Row {
  id: number
  body: Buffer
}

/** Keys from `lo` up to, not including, `hi`. */
export interface Range {
  lo: Buffer
  hi: Buffer
}

export const wholeRange: Range = { lo: Buffer.alloc(0), hi: Buffer.from([0xff]) }

export function toBuffer(blob: unknown): Buffer {
  const bytes = blob as Uint8Array
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Documents and index entries of one collection, always changed together. */
export class Collection {
  readonly id: number
  readonly database: string
  readonly name: string
  readonly uuid: Buffer
  readonly options: Value
  /** `_id_` first, then the other unique ones: a duplicate is noticed before anything else. */
  indexes: Index[] = []
  isDropped = false
  /** Never reused while the server runs, so a cursor's place stays true when rows go. */
  private nextId: number
  private readonly db: Database
  /** Statements of the commonest look-up. */
  private finders = new Map<Index, StatementSync>()

  constructor(
    db: Database,
    id: number,
    database: string,
    name: string,
    uuid: Buffer,
    options: Value,
  ) {
    this.db = db
    this.id = id
    this.database = database
    this.name = name
    this.uuid = uuid
    this.options = options
    const [last] = db.prepare(`SELECT max(id) FROM ${this.table}`).get() as unknown as [number]
    this.nextId = (last ?? 0) + 1
  }

  get table() {
    return `documents_${this.id}`
  }

  get namespace() {
    return `${this.database}.${this.name}`
  }

  get idIndex(): Index {
    return this.indexes[0]!
  }

  setIndexes(indexes: Index[]) {
    this.finders = new Map()
    const rank = (index: Index) => (index.isId ? 0 : index.unique ? 1 : 2)
    this.indexes = indexes.sort((a, b) => rank(a) - rank(b) || a.id - b.id)
  }

  /**
   * @param body validated, `_id` present
   * @throws {CommandError} DuplicateKey, with nothing changed
   */
  insert(body: Buffer) {
    const document = documentValue(body)
    const id = this.nextId++
    const added = this.indexes.map((index) => this.keysOf(index, document))
    this.addEntries(added, id, document)
    this.db.prepare(`INSERT INTO ${this.table} (id, body) VALUES (?, ?)`).run(id, body)
  }

  /** @throws {CommandError} DuplicateKey, with nothing changed */
  replace(row: Row, body: Buffer) {
    const before = documentValue(row.body)
    const after = documentValue(body)
    const removed: Buffer[][] = []
    const added: Buffer[][] = []
    for (const index of this.indexes) {
      const old = this.keysOf(index, before)
      const now = this.keysOf(index, after)
      removed.push(old.filter((key) => !now.some((other) => key.equals(other))))
      added.push(now.filter((key) => !old.some((other) => key.equals(other))))
    }
    this.addEntries(added, row.id, after)
    this.removeEntries(removed, row.id)
    this.db.prepare(`UPDATE ${this.table} SET body = ? WHERE id = ?`).run(body, row.id)
  }

  remove(row: Row) {
    const document = documentValue(row.body)
    this.removeEntries(
      this.indexes.map((index) => this.keysOf(index, document)),
      row.id,
    )
    this.db.prepare(`DELETE FROM ${this.table} WHERE id = ?`).run(row.id)
  }

  keysOf(index: Index, document: Value): Buffer[] {
    const { keys, multikey } = indexKeys(index, document)
    if ((index.multikey | multikey) !== index.multikey) {
      index.multikey |= multikey
      this.db.schemaTouched = true
      this.db.prepare('UPDATE indexes SET multikey = ? WHERE id = ?').run(index.multikey, index.id)
    }
    return keys
  }

  private addEntries(keysByIndex: Buffer[][], id: number, document: Value) {
    for (const [i, keys] of keysByIndex.entries()) {
      for (const [k, key] of keys.entries()) {
        if (this.addEntry(this.indexes[i]!, key, id)) continue
        // Duplicate: take back what this document has put in so far.
        this.removeEntries([...keysByIndex.slice(0, i), keys.slice(0, k)], id)
        throw this.duplicate(this.indexes[i]!, key, document)
      }
    }
  }

  /** false when a unique index has the key already. */
  addEntry(index: Index, key: Buffer, id: number): boolean {
    const insert = `INSERT OR IGNORE INTO ${index.table} (key, document) VALUES (?, ?)`
    return this.db.prepare(insert).run(key, id).changes === 1
  }

  private removeEntries(keysByIndex: Buffer[][], id: number) {
    for (const [i, keys] of keysByIndex.entries()) {
      if (keys.length === 0) continue
      const table = this.indexes[i]!.table
      const remove = this.db.prepare(`DELETE FROM ${table} WHERE key = ? AND document = ?`)
      for (const key of keys) remove.run(key, id)
    }
  }

  duplicate(index: Index, key: Buffer, document: Value): CommandError {
    const values = index.fields.map(({ path, parts }) => {
      const value = follow(document, parts, 0) ?? nullValue
      if (value.type !== T.array || index.fields.length > 1) return [path, value] as const
      // Of an array the element that collides is told.
      const item = items(value).find((one) => encodeKey(one).equals(key))
      return [path, item ?? value] as const
    })
    const shown = values.map(([path, value]) => `${path}: ${show(value)}`).join(', ')
    const error = new CommandError(
      'DuplicateKey',
      `E11000 duplicate key error collection: ${this.namespace} index: ${index.name} dup key: { ${shown} }`,
    )
    error.keyPattern = index.keyPattern
    error.keyValue = objectValue(values)
    return error
  }

  // Reading. The SQL joins from the index to the documents; CROSS JOIN keeps that order.

  /** The one document with this full key of a unique index. */
  findByKey(index: Index, key: Buffer): Row | undefined {
    let find = this.finders.get(index)
    if (!find) {
      find = this.db.prepare(
        `SELECT d.id, d.body FROM ${index.table} x CROSS JOIN ${this.table} d ON d.id = x.document WHERE x.key = ?`,
      )
      this.finders.set(index, find)
    }
    const row = find.get(key) as unknown as [number, unknown] | undefined
    return row && { id: row[0], body: toBuffer(row[1]) }
  }

  get(id: number): Row | undefined {
    const row = this.db.prepare(`SELECT body FROM ${this.table} WHERE id = ?`).get(id) as unknown as
      | [unknown]
      | undefined
    return row && { id, body: toBuffer(row[0]) }
  }

  /** All documents in the order they were inserted, after (or with reverse before) `after`. */
  scanDocuments(reverse: boolean, after?: number): Generator<unknown[]> {
    const select = `SELECT NULL, id, body FROM ${this.table}`
    if (reverse) {
      return this.db.iterate(
        `${select} WHERE id < ? ORDER BY id DESC`,
        after ?? Number.MAX_SAFE_INTEGER,
      )
    }
    return this.db.iterate(`${select} WHERE id > ? ORDER BY id`, after ?? -1)
  }

  /** [key, id, body] of a range in key order. `after` is the last [key, id] already seen. */
  scanIndex(
    index: Index,
    { lo, hi }: Range,
    reverse: boolean,
    after?: [Buffer, number],
  ): Generator<unknown[]> {
    const direction = reverse ? 'DESC' : ''
    const select = `SELECT x.key, d.id, d.body FROM ${index.table} x CROSS JOIN ${this.table} d ON d.id = x.document`
    const order = index.unique
      ? `ORDER BY x.key ${direction}`
      : `ORDER BY x.key ${direction}, x.document ${direction}`
    if (!after) {
      return this.db.iterate(`${select} WHERE x.key >= ? AND x.key < ? ${order}`, lo, hi)
    }
    const [key, id] = after
    if (index.unique) {
      return reverse
        ? this.db.iterate(`${select} WHERE x.key >= ? AND x.key < ? ${order}`, lo, key)
        : this.db.iterate(`${select} WHERE x.key > ? AND x.key < ? ${order}`, key, hi)
    }
    return reverse
      ? this.db.iterate(
          `${select} WHERE x.key >= ? AND (x.key, x.document) < (?, ?) ${order}`,
          lo,
          key,
          id,
        )
      : this.db.iterate(
          `${select} WHERE (x.key, x.document) > (?, ?) AND x.key < ? ${order}`,
          key,
          id,
          hi,
        )
  }

  /** Entries in a range, counted up to `limit`. */
  countEntries(index: Index, { lo, hi }: Range, limit = -1): number {
    const [count] = this.db
      .prepare(
        `SELECT count(*) FROM (SELECT 1 FROM ${index.table} WHERE key >= ? AND key < ? LIMIT ?)`,
      )
      .get(lo, hi, limit) as unknown as [number]
    return count
  }

  count(): number {
    return this.countEntries(this.idIndex, wholeRange)
  }

  /** The dates an index says have come: for the TTL sweep. */
  expired(index: Index, before: Value, limit: number): Row[] {
    const rows: Row[] = []
    const lo = Buffer.from([bracket.date])
    const hi = encodeKey(before)
    const seen = new Set<number>()
    for (const [, id, body] of this.scanIndex(index, { lo, hi }, false)) {
      if (seen.has(id as number)) continue
      seen.add(id as number)
      rows.push({ id: id as number, body: toBuffer(body) })
      if (rows.length >= limit) break
    }
    return rows
  }

  idOf(row: Row): Value {
    return field(documentValue(row.body), '_id')!
  }
}
