import { randomBytes } from 'node:crypto'
import { documentValue, type Value } from './bson/value.ts'
import { CommandError } from './errors.ts'
import type { Execution } from './query/execute.ts'

/** A cursor that nobody asks for this long is closed (MongoDB: 10 minutes too). */
const cursorIdleMs = 10 * 60 * 1000
/** Documents of a first batch when the client does not say. */
export const firstBatchSize = 101
/** Bytes of documents in one answer. */
export const maxBatchBytes = 16 * 1024 * 1024

/**
 * Documents of an Execution that can be let go between two answers: an open SQLite statement
 * would keep the WAL from being checkpointed for as long as a client dawdles.
 */
export class Source implements IterableIterator<Value> {
  private readonly execution: Execution
  private rows: ReturnType<Execution['rows']> | undefined
  private isDone = false

  constructor(execution: Execution) {
    this.execution = execution
  }

  [Symbol.iterator]() {
    return this
  }

  next(): IteratorResult<Value> {
    if (this.isDone) return { done: true, value: undefined }
    this.rows ??= this.execution.rows()
    const step = this.rows.next()
    if (step.done) {
      this.isDone = true
      return { done: true, value: undefined }
    }
    return { done: false, value: documentValue(step.value.body) }
  }

  /** Called when a pipeline has enough ($limit): nothing more is wanted. */
  return(): IteratorResult<Value> {
    this.isDone = true
    this.pause()
    return { done: true, value: undefined }
  }

  pause() {
    this.rows?.return(undefined)
    this.rows = undefined
  }
}

/** What a find or aggregate still has to give. */
export interface Results {
  documents: Iterator<Value>
  sources: Source[]
}

export interface Cursor extends Results {
  id: bigint
  namespace: string
  /** Read but too big for the last answer. */
  waiting: Value | undefined
  lastUsed: number
}

export class Cursors {
  private readonly open = new Map<bigint, Cursor>()
  private readonly now: () => number

  constructor(now: () => number = Date.now) {
    this.now = now
  }

  get count() {
    return this.open.size
  }

  keep(cursor: Omit<Cursor, 'id' | 'lastUsed'>): bigint {
    let id: bigint
    do id = randomBytes(8).readBigUInt64LE() >> 1n
    while (id === 0n || this.open.has(id))
    this.open.set(id, { ...cursor, id, lastUsed: this.now() })
    return id
  }

  /** @throws {CommandError} CursorNotFound */
  take(id: bigint, namespace: string): Cursor {
    const cursor = this.open.get(id)
    if (!cursor || cursor.namespace !== namespace) {
      throw new CommandError('CursorNotFound', `cursor id ${id} not found`)
    }
    cursor.lastUsed = this.now()
    return cursor
  }

  close(id: bigint): boolean {
    const cursor = this.open.get(id)
    if (!cursor) return false
    for (const source of cursor.sources) source.return()
    return this.open.delete(id)
  }

  closeIdle() {
    const limit = this.now() - cursorIdleMs
    for (const cursor of this.open.values()) if (cursor.lastUsed < limit) this.close(cursor.id)
  }
}
