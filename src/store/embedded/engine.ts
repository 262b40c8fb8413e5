import { dateValue } from './bson/value.ts'
import { BsonWriter } from './bson/writer.ts'
import { aggregate } from './commands/aggregate.ts'
import { type Command, checkFields, type Request, type Server } from './commands/context.ts'
import { count, distinct } from './commands/count.ts'
import { explain } from './commands/explain.ts'
import { findAndModify } from './commands/find-and-modify.ts'
import { handshakeCommands } from './commands/handshake.ts'
import { readCommands } from './commands/read.ts'
import { schemaCommands } from './commands/schema.ts'
import { writeCommands, writeErrorFields } from './commands/write.ts'
import { Cursors } from './cursors.ts'
import { CommandError } from './errors.ts'
import { Catalog } from './storage/catalog.ts'
import { Database } from './storage/database.ts'
import { finishReply, type Header, parseHeader, parseMessage, startReply } from './wire/message.ts'

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...handshakeCommands,
    ...readCommands,
    ...writeCommands,
    ...schemaCommands,
    aggregate,
    count,
    distinct,
    findAndModify,
    findandmodify: findAndModify,
    explain,
  }),
)

/** One message from one connection, and where its answer goes. */
export interface Job {
  bytes: Buffer
  answer(reply: Buffer): void
}

/** Documents that a TTL sweep deletes in one transaction. */
const sweepBatch = 1000

/**
 * Runs commands. Everything that writes and arrived together shares one transaction, so one
 * fsync serves many clients; each command has a savepoint of its own, and nobody hears of a
 * change before it is on the disk.
 */
export class Engine {
  private readonly server: Server
  private readonly writer = new BsonWriter(64 * 1024)
  private readonly log: (message: string, error: unknown) => void

  constructor(
    dataDir: string,
    connections: () => number,
    log: (message: string, error: unknown) => void,
  ) {
    const db = new Database(dataDir)
    this.log = log
    this.server = {
      db,
      catalog: new Catalog(db),
      cursors: new Cursors(),
      startedAt: Date.now(),
      connections,
    }
  }

  /** Answers all jobs. @throws {ProtocolError} from parseHeader is the caller's to prevent. */
  run(jobs: Job[]) {
    const { db } = this.server
    const held: { job: Job; header: Header; reply: Buffer }[] = []
    for (const job of jobs) {
      const header = parseHeader(job.bytes)
      const reply = this.reply(job.bytes, header)
      if (db.inTransaction) held.push({ job, header, reply })
      else if (header.wantsReply) job.answer(reply)
    }
    if (!db.inTransaction) return
    let failure: unknown
    try {
      db.commit()
    } catch (error) {
      failure = error
      this.log('commit failed', error)
      this.abandon()
    }
    for (const { job, header, reply } of held) {
      if (header.wantsReply) job.answer(failure ? this.errorReply(header, failure) : reply)
    }
  }

  private reply(bytes: Buffer, header: Header): Buffer {
    const document = startReply(this.writer, header.isQuery)
    try {
      const request: Request = { ...parseMessage(bytes, header), server: this.server }
      const command = commands.get(request.name)
      if (!command) {
        throw new CommandError('CommandNotFound', `no such command: '${request.name}'`)
      }
      checkFields(command, request)
      if (command.writes) this.runWrite(command, request)
      else command.run(request, this.writer)
      this.writer.double('ok', 1)
      return finishReply(this.writer, document, header)
    } catch (error) {
      return this.errorReply(header, error)
    } finally {
      if (this.writer.bytes.length > 4 * 1024 * 1024) this.writer.bytes = Buffer.allocUnsafe(65536)
    }
  }

  private runWrite(command: Command, request: Request) {
    const { db, catalog } = this.server
    if (!db.inTransaction) db.begin()
    // SQLite gives up a whole transaction by itself (disk full): the commit will say so to all.
    if (!db.sqlite.isTransaction) throw new CommandError('InternalError', 'the transaction failed')
    db.savepoint()
    try {
      command.run(request, this.writer)
      db.release()
    } catch (error) {
      if (db.sqlite.isTransaction) {
        db.undo()
        if (db.schemaTouched) catalog.load()
      }
      throw error
    }
  }

  private abandon() {
    try {
      this.server.db.rollback()
      this.server.catalog.load()
    } catch (error) {
      this.log('rollback failed', error)
    }
  }

  private errorReply(header: Header, error: unknown): Buffer {
    const known = error instanceof CommandError ? error : this.unexpected(error)
    const document = startReply(this.writer, header.isQuery)
    this.writer.double('ok', 0)
    writeErrorFields(known, this.writer)
    this.writer.string('codeName', known.codeName)
    return finishReply(this.writer, document, header)
  }

  private unexpected(error: unknown): CommandError {
    const code = (error as { errcode?: number }).errcode
    if (code !== undefined && (code & 0xff) === 13) {
      return new CommandError('OutOfDiskSpace', 'the disk of the data directory is full')
    }
    this.log('command failed', error)
    return new CommandError('InternalError', `internal error: ${(error as Error).message}`)
  }

  /**
   * Deletes what TTL indexes say has expired, one batch.
   *
   * @returns whether there may be more
   */
  sweep(now = Date.now()): boolean {
    const { db, catalog, cursors } = this.server
    cursors.closeIdle()
    for (const collection of catalog.all()) {
      for (const index of collection.indexes) {
        if (index.expireAfterSeconds === undefined || index.fields.length !== 1) continue
        const before = dateValue(BigInt(Math.floor(now - index.expireAfterSeconds * 1000)))
        const rows = collection.expired(index, before, sweepBatch)
        if (rows.length === 0) continue
        db.begin()
        try {
          for (const row of rows) collection.remove(row)
          db.commit()
        } catch (error) {
          this.abandon()
          throw error
        }
        if (rows.length === sweepBatch) return true
      }
    }
    return false
  }

  close() {
    this.server.db.close()
  }
}
