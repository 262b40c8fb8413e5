import { maxNesting, validateDocument } from '../bson/validate.ts'
import { documentValue, field } from '../bson/value.ts'
import { Catalog } from './catalog.ts'
import { type Collection, toBuffer } from './collection.ts'
import { Database } from './database.ts'
import { indexKeys } from './index-keys.ts'

/**
 * Whether documents and indexes of one collection agree: every document is well-formed and has
 * exactly its entries in every index, and no entry points nowhere.
 *
 * @returns what is wrong, at most 100 lines
 */
export function checkCollection(db: Database, collection: Collection): string[] {
  const errors: string[] = []
  const report = (message: string) => {
    if (errors.length < 100) errors.push(`${collection.namespace}: ${message}`)
  }
  const expected = collection.indexes.map(() => 0)
  for (const [, id, blob] of collection.scanDocuments(false)) {
    const body = toBuffer(blob)
    try {
      const end = validateDocument(body, 0, body.length, maxNesting)
      if (end !== body.length) report(`document ${id} has bytes after its end`)
    } catch (error) {
      report(`document ${id}: ${(error as Error).message}`)
      continue
    }
    const document = documentValue(body)
    if (!field(document, '_id')) report(`document ${id} has no _id`)
    for (const [i, index] of collection.indexes.entries()) {
      const { keys, multikey } = indexKeys(index, document)
      if ((index.multikey | multikey) !== index.multikey) {
        report(`index ${index.name} does not know that document ${id} has an array`)
      }
      expected[i]! += keys.length
      const find = db.prepare(`SELECT document FROM ${index.table} WHERE key = ? AND document = ?`)
      for (const key of keys) {
        if (!find.get(key, id as number)) report(`index ${index.name} lacks document ${id}`)
      }
    }
  }
  for (const [i, index] of collection.indexes.entries()) {
    const [count] = db.prepare(`SELECT count(*) FROM ${index.table}`).get() as unknown as [number]
    if (count !== expected[i]) {
      report(`index ${index.name} has ${count} entries, the documents make ${expected[i]}`)
    }
  }
  return errors
}

/**
 * Checks a whole data directory while no server holds it.
 *
 * @returns what is wrong; nothing for a sound store
 * @throws {StoreLockedError} when a server is running
 */
export function checkIntegrity(dataDir: string): string[] {
  const db = new Database(dataDir)
  try {
    const pages = (
      db.sqlite.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[]
    )
      .map((row) => row.integrity_check)
      .filter((line) => line !== 'ok')
    const catalog = new Catalog(db)
    return [...pages, ...catalog.all().flatMap((collection) => checkCollection(db, collection))]
  } finally {
    db.close()
  }
}
