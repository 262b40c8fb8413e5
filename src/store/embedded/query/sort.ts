import { toNumber } from '../bson/numbers.ts'
import { entries, isNumber, T, type Value } from '../bson/value.ts'
import { CommandError, unsupported } from '../errors.ts'
import { fieldKeys } from '../storage/index-keys.ts'

export interface SortField {
  path: string
  parts: string[]
  descending: boolean
}

/** Bytes that a sort without an index, or a group, may hold; MongoDB's limit too. */
export const memoryLimit = 100 * 1024 * 1024

export function parseSort(spec: Value | undefined): SortField[] {
  if (!spec) return []
  if (spec.type !== T.object) throw new CommandError('TypeMismatch', 'sort must be an object')
  return [...entries(spec)].map(([path, value]) => {
    if (value.type === T.object) throw unsupported('$meta in a sort')
    const direction = isNumber(value) ? toNumber(value) : 0
    if (direction !== 1 && direction !== -1) {
      throw new CommandError('BadValue', '$sort key ordering must be 1 or -1')
    }
    if (path === '' || path.startsWith('$')) {
      throw new CommandError('BadValue', `invalid sort path '${path}'`)
    }
    return { path, parts: path.split('.'), descending: direction === -1 }
  })
}

/**
 * Bytes that order documents by a sort: an array counts with its least element, in a descending
 * sort with its greatest, as the index on the same field would.
 */
export function sortKey(sort: SortField[], document: Value): Buffer {
  const parts = sort.map(({ parts: path, descending }) => {
    const keys = fieldKeys(document, path, descending)
    let best = keys[0]!
    for (const key of keys) if (Buffer.compare(key, best) < 0) best = key
    return best
  })
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/**
 * Sorts what is pushed; with a limit only the best `limit` are kept, so the first page of a big
 * collection takes little memory. Equal keys keep their order.
 */
export class Sorter<Item extends { size: number }> {
  private list: { key: Buffer; order: number; item: Item }[] = []
  private bytes = 0
  private pushed = 0
  private readonly limit: number

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit
  }

  push(key: Buffer, item: Item) {
    this.list.push({ key, order: this.pushed++, item })
    this.bytes += item.size + key.length + 100
    if (this.list.length >= this.limit * 2 + 100) this.trim()
    if (this.bytes > memoryLimit) {
      this.trim()
      if (this.bytes > memoryLimit) {
        throw new CommandError(
          'QueryExceededMemoryLimitNoDiskUseAllowed',
          'Sort exceeded memory limit of 104857600 bytes; add an index or a limit',
        )
      }
    }
  }

  private trim() {
    this.list.sort((a, b) => Buffer.compare(a.key, b.key) || a.order - b.order)
    if (this.list.length > this.limit) this.list.length = this.limit
    this.bytes = this.list.reduce((sum, { key, item }) => sum + item.size + key.length + 100, 0)
  }

  finish(): Item[] {
    this.trim()
    return this.list.map(({ item }) => item)
  }
}

/** For $push's $sort, which compares sub-documents in memory. */
export function compareBy(sort: SortField[]): (a: Value, b: Value) => number {
  return (a, b) => Buffer.compare(sortKey(sort, a), sortKey(sort, b))
}
