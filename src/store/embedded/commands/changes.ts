import { documentValue, field, T, typeNames, type Value } from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import type { Filter } from '../query/filter.ts'
import { planQuery } from '../query/planner.ts'
import { Sorter, type SortField, sortKey } from '../query/sort.ts'
import type { Collection, Row } from '../storage/collection.ts'
import type { Index } from '../storage/index.ts'
import { applyUpdate, applyUpsert } from '../update/apply.ts'
import type { Update } from '../update/parse.ts'

export function checkId(id: Value) {
  if (id.type === T.array || id.type === T.regex || id.type === T.undefined) {
    throw new CommandError('BadValue', `The '_id' value cannot be of type ${typeNames[id.type]}`)
  }
}

/** The first match in the order of `sort`. */
export function firstRow(
  collection: Collection,
  filter: Filter,
  sort: SortField[],
  hint: Index | 'natural' | undefined,
): Row | undefined {
  const plan = planQuery(collection, filter, sort, hint)
  const rows = new Execution(collection, plan).rows()
  if (plan.sorted) {
    for (const row of rows) return row
    return undefined
  }
  const sorter = new Sorter<{ size: number; row: Row }>(1)
  for (const row of rows) {
    sorter.push(sortKey(sort, documentValue(row.body)), { size: row.body.length, row })
  }
  return sorter.finish()[0]?.row
}

/** The ids are gathered first: a change must not move a document into the scan's way again. */
export function matchingIds(
  collection: Collection,
  filter: Filter,
  hint: Index | 'natural' | undefined,
): number[] {
  const ids: number[] = []
  const plan = planQuery(collection, filter, [], hint)
  for (const { id } of new Execution(collection, plan).rows()) ids.push(id)
  return ids
}

/** Returns whether the document is another one now. */
export function change(
  collection: Collection,
  row: Row,
  update: Update,
  filter: Filter,
): Buffer | undefined {
  const after = applyUpdate(update, documentValue(row.body), filter)
  if (after.equals(row.body)) return undefined
  collection.replace(row, after)
  return after
}

export function insertUpsert(collection: Collection, update: Update, filter: Filter): Buffer {
  const body = applyUpsert(update, filter)
  checkId(field(documentValue(body), '_id')!)
  collection.insert(body)
  return body
}
