import { documentValue } from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import { type Collection, type Row, toBuffer } from '../storage/collection.ts'
import { matches } from './match.ts'
import type { Plan, Scan } from './planner.ts'

/**
 * Runs a plan. `rows` can be left at any point and called again later: it goes on after the last
 * row it gave, on the data as it is then. A document that was changed or deleted in between is
 * seen as it is now or not at all; one that moved forward in the index may be seen again, as in
 * MongoDB without a snapshot.
 */
export class Execution {
  readonly collection: Collection
  readonly plan: Plan
  keysExamined = 0
  documentsExamined = 0
  private scanAt = 0
  private rangeAt = 0
  private last: [Buffer, number] | undefined
  private readonly seen: Set<number> | undefined

  constructor(collection: Collection, plan: Plan) {
    this.collection = collection
    this.plan = plan
    this.seen = plan.repeats ? new Set() : undefined
  }

  *rows(): Generator<Row> {
    if (this.collection.isDropped) {
      throw new CommandError('QueryPlanKilled', 'the collection was dropped while it was read')
    }
    const { scans, key, filter } = this.plan
    if (key && !this.last) {
      this.keysExamined++
      const row = this.collection.findByKey(scans[0]!.index!, key)
      this.scanAt = scans.length
      if (row) {
        this.documentsExamined++
        if (!filter || matches(filter, documentValue(row.body))) yield row
      }
      return
    }
    for (; this.scanAt < scans.length; this.scanAt++) {
      yield* this.scan(scans[this.scanAt]!)
      this.rangeAt = 0
      this.last = undefined
    }
  }

  private *scan(scan: Scan): Generator<Row> {
    const { index } = scan
    if (!index) {
      yield* this.filtered(this.collection.scanDocuments(scan.reverse, this.last?.[1]))
      return
    }
    if (!this.collection.indexes.some((one) => one.id === index.id)) {
      throw new CommandError(
        'QueryPlanKilled',
        `index '${index.name}' was dropped while it was read`,
      )
    }
    const ranges = scan.reverse ? scan.ranges.toReversed() : scan.ranges
    for (; this.rangeAt < ranges.length; this.rangeAt++) {
      const range = ranges[this.rangeAt]!
      yield* this.filtered(this.collection.scanIndex(index, range, scan.reverse, this.last))
      this.last = undefined
    }
  }

  private *filtered(rows: Iterable<unknown[]>): Generator<Row> {
    const { filter } = this.plan
    for (const [key, id, body] of rows as Iterable<[unknown, number, unknown]>) {
      if (key) this.keysExamined++
      this.last = [key ? toBuffer(key) : noKey, id]
      if (this.seen?.has(id)) continue
      this.documentsExamined++
      const row: Row = { id, body: toBuffer(body) }
      if (filter && !matches(filter, documentValue(row.body))) continue
      this.seen?.add(id)
      yield row
    }
  }
}

const noKey = Buffer.alloc(0)
