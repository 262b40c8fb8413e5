import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** "PROP" in the SQLite header: the file is ours. */
const applicationId = 0x50524f50
/** Raised when the tables or the key encoding change; an older file is then refused or converted. */
const formatVersion = 1

/** The data directory holds something this version cannot use. The message says what to do. */
export class StoreFormatError extends Error {
  override readonly name = 'StoreFormatError'
}

/** Another process or thread has the database open. */
export class StoreLockedError extends Error {
  override readonly name = 'StoreLockedError'
}

/** Where the parts of the embedded store lie inside DATA_DIR. */
export function storeDirectory(dataDir: string): string {
  return join(dataDir, 'store')
}

export function databaseFile(dataDir: string): string {
  return join(storeDirectory(dataDir), 'store.sqlite')
}

/**
 * The one SQLite file. It is opened in exclusive locking mode: the lock says that this server
 * owns the directory, the operating system drops it when the process dies, and statements need
 * no lock calls of their own.
 */
export class Database {
  readonly sqlite: DatabaseSync
  private readonly statements = new Map<string, StatementSync[]>()
  private isInTransaction = false
  /** The catalog tables changed since the savepoint, so undoing it leaves memory ahead of them. */
  schemaTouched = false

  /**
   * @throws {StoreLockedError} when another server holds the directory
   * @throws {StoreFormatError} when the file is damaged, foreign, or of another version
   */
  constructor(dataDir: string) {
    mkdirSync(storeDirectory(dataDir), { recursive: true, mode: 0o700 })
    chmodSync(storeDirectory(dataDir), 0o700)
    const file = databaseFile(dataDir)
    const isNew = !existsSync(file)
    this.sqlite = new DatabaseSync(file, { timeout: 0 })
    try {
      // Before the log exists: SQLite gives it the mode that the file has then.
      if (isNew) chmodSync(file, 0o600)
      this.configure(file)
    } catch (error) {
      this.sqlite.close()
      throw explain(error, file)
    }
  }

  private configure(file: string) {
    // Exclusive before WAL: then the WAL index lives in memory and no -shm file is shared.
    this.sqlite.exec('PRAGMA locking_mode = EXCLUSIVE')
    this.sqlite.exec('PRAGMA journal_mode = WAL')
    // Each commit is on the disk before it is answered.
    this.sqlite.exec('PRAGMA synchronous = FULL')
    this.sqlite.exec('PRAGMA cache_size = -32768')
    this.sqlite.exec('PRAGMA journal_size_limit = 67108864')
    this.sqlite.exec('PRAGMA temp_store = MEMORY')
    this.sqlite.exec('BEGIN EXCLUSIVE')
    const id = this.pragma('application_id')
    const tables = this.sqlite.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as {
      n: number
    }
    if (id === 0 && tables.n === 0) {
      this.sqlite.exec(`PRAGMA application_id = ${applicationId}`)
      this.sqlite.exec(`PRAGMA user_version = ${formatVersion}`)
      this.sqlite.exec(schema)
    } else if (id !== applicationId) {
      throw new StoreFormatError(`${file} is a SQLite database, but not one of Propylaia`)
    } else if (this.pragma('user_version') !== formatVersion) {
      throw new StoreFormatError(
        `${file} has format ${this.pragma('user_version')}, this version reads ${formatVersion}`,
      )
    }
    this.sqlite.exec('COMMIT')
  }

  private pragma(name: string): number {
    return Object.values(this.sqlite.prepare(`PRAGMA ${name}`).get()!)[0] as number
  }

  /** A statement that is kept; rows come as arrays. Not for iterating (see `iterate`). */
  prepare(sql: string): StatementSync {
    let list = this.statements.get(sql)
    if (!list) {
      list = []
      this.statements.set(sql, list)
    }
    list[0] ??= this.fresh(sql)
    return list[0]
  }

  private fresh(sql: string): StatementSync {
    const statement = this.sqlite.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }

  /** Rows one by one. A statement in use is not shared: a nested scan gets its own. */
  *iterate(sql: string, ...parameters: (Buffer | number | string)[]): Generator<unknown[]> {
    const key = `iterate ${sql}`
    let list = this.statements.get(key)
    if (!list) {
      list = []
      this.statements.set(key, list)
    }
    const statement = list.pop() ?? this.fresh(sql)
    try {
      // node:sqlite types rows as objects; with setReturnArrays they are arrays.
      yield* statement.iterate(...parameters) as unknown as Iterable<unknown[]>
    } finally {
      list.push(statement)
    }
  }

  /** Forgets statements on a table that goes away. */
  forget(table: string) {
    for (const sql of this.statements.keys()) {
      if (sql.includes(table)) this.statements.delete(sql)
    }
  }

  get inTransaction() {
    return this.isInTransaction
  }

  begin() {
    this.prepare('BEGIN IMMEDIATE').run()
    this.isInTransaction = true
  }

  commit() {
    this.prepare('COMMIT').run()
    this.isInTransaction = false
  }

  rollback() {
    this.isInTransaction = false
    // SQLite has already rolled back by itself after some errors (disk full, I/O).
    if (this.sqlite.isTransaction) this.sqlite.exec('ROLLBACK')
  }

  savepoint() {
    this.schemaTouched = false
    this.prepare('SAVEPOINT request').run()
  }

  release() {
    this.prepare('RELEASE request').run()
  }

  /** Undoes what was done since the savepoint. */
  undo() {
    this.sqlite.exec('ROLLBACK TO request; RELEASE request')
  }

  /** Moves the WAL into the database file, so that the directory can be copied. */
  close() {
    if (!this.sqlite.isOpen) return
    this.statements.clear()
    this.sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    this.sqlite.close()
  }
}

const schema = `
  CREATE TABLE collections (
    id INTEGER PRIMARY KEY, database TEXT NOT NULL, name TEXT NOT NULL,
    uuid BLOB NOT NULL, options BLOB NOT NULL, UNIQUE (database, name));
  CREATE TABLE indexes (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, name TEXT NOT NULL,
    spec BLOB NOT NULL, multikey INTEGER NOT NULL, UNIQUE (collection, name));
`

function explain(error: unknown, file: string): unknown {
  const code = (error as { errcode?: number }).errcode
  if (code === undefined) return error
  switch (code & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new StoreLockedError(`${file} is in use by another server`, { cause: error })
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new StoreFormatError(
        `${file} is damaged or not a database: restore it from a backup`,
        {
          cause: error,
        },
      )
    default:
      return error
  }
}
