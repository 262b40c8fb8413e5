import { runStages } from '../aggregation/pipeline.ts'
import { identical } from '../bson/compare.ts'
import { maxDocumentBytes, maxNesting, validateDocument } from '../bson/validate.ts'
import { Elements, field, items, objectIdValue, T, type Value } from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { equalitiesOf } from '../query/equalities.ts'
import type { Filter } from '../query/filter.ts'
import { matchedIndex, matches } from '../query/match.ts'
import { newObjectId } from './object-id.ts'
import { updateOperators } from './operators.ts'
import type { Change, Update } from './parse.ts'
import { changeAt, closeNode, OpenObject, valueAt } from './tree.ts'

/**
 * The document after an update, `_id` first.
 *
 * @param filter the query that found the document, for the positional `$`
 * @throws {CommandError} ImmutableField when `_id` would change
 */
export function applyUpdate(update: Update, document: Value, filter: Filter): Buffer {
  const after =
    update.kind === 'change'
      ? applyChanges(update.changes, update.arrayFilters, document, filter, false)
      : applyWhole(update, document)
  return checked(keepId(document, after))
}

/** The document an upsert inserts. */
export function applyUpsert(update: Update, filter: Filter): Buffer {
  const seed = new OpenObject()
  const equalities = equalitiesOf(filter)
  for (const [path, value] of equalities) {
    if (update.kind === 'replace' && path !== '_id') continue
    changeAt(seed, path.split('.'), true, () => value)
  }
  const start = closeNode(seed)
  let after: Value
  if (update.kind === 'change') {
    after = applyChanges(update.changes, update.arrayFilters, start, filter, true)
  } else {
    after = applyWhole(update, start)
    if (!field(after, '_id')) {
      const id = field(start, '_id')
      if (id) after = withId(id, after)
    }
  }
  const wanted = equalities.get('_id')
  const id = field(after, '_id')
  if (wanted && id && !identical(wanted, id) && update.kind !== 'pipeline') throw immutable()
  return checked(withId(id ?? objectIdValue(newObjectId()), after))
}

function applyWhole(update: Exclude<Update, { kind: 'change' }>, document: Value): Value {
  if (update.kind === 'replace') return update.document
  for (const result of runStages(update.stages, [document])) return result
  throw new CommandError('BadValue', 'the pipeline of the update left no document')
}

function immutable(): CommandError {
  return new CommandError(
    'ImmutableField',
    "Performing an update on the path '_id' would modify the immutable field '_id'",
  )
}

function keepId(before: Value, after: Value): Value {
  const id = field(before, '_id')!
  const now = field(after, '_id')
  if (now && !identical(id, now)) throw immutable()
  return withId(id, after)
}

/** `_id` is stored first, whatever the client sent. */
export function withId(id: Value, document: Value): Value {
  const elements = new Elements(document)
  if (elements.next() && elements.nameIs('_id')) return document
  const fields: [string, Value][] = [['_id', id]]
  do {
    if (elements.type !== 0 && !elements.nameIs('_id')) {
      fields.push([elements.name(), elements.value()])
    }
  } while (elements.type !== 0 && elements.next())
  return objectValue(fields)
}

function checked(value: Value): Buffer {
  if (value.size > maxDocumentBytes) {
    throw new CommandError('BSONObjectTooLarge', `document of ${value.size} bytes; at most 16 MiB`)
  }
  const bytes =
    value.start === 0 && value.end === value.bytes.length
      ? value.bytes
      : Buffer.from(value.bytes.subarray(value.start, value.end))
  validateDocument(bytes, 0, bytes.length, maxNesting)
  return bytes
}

function applyChanges(
  changes: Change[],
  arrayFilters: Map<string, Filter>,
  document: Value,
  filter: Filter,
  isInsert: boolean,
): Value {
  const root = new OpenObject(document)
  for (const change of changes) {
    if (change.operator === '$setOnInsert' && !isInsert) continue
    if (change.operator === '$rename') {
      rename(root, change)
      continue
    }
    const operator = updateOperators[change.operator]!
    const context = { root, document, filter, arrayFilters }
    for (const parts of concretePaths(change.parts, context)) {
      changeAt(root, parts, operator.create, (before) =>
        operator.apply(before, change.argument, change.path),
      )
    }
  }
  return closeNode(root)
}

function rename(root: OpenObject, change: Change) {
  const value = valueAt(root, change.parts)
  if (!value) return
  changeAt(root, change.parts, false, () => undefined)
  changeAt(root, change.target!, true, () => value)
}

interface PathContext {
  root: OpenObject
  /** As it was found: the positional `$` means the element that matched then. */
  document: Value
  filter: Filter
  arrayFilters: Map<string, Filter>
}

/** Replaces `$`, `$[]` and `$[name]` by the indexes they stand for in this document. */
function concretePaths(parts: string[], context: PathContext): string[][] {
  const dynamic = parts.findIndex((part) => part.startsWith('$'))
  if (dynamic < 0) return [parts]
  const before = parts.slice(0, dynamic)
  const rest = parts.slice(dynamic + 1)
  return indexesOf(parts[dynamic]!, before, context).flatMap((index) =>
    concretePaths([...before, String(index), ...rest], context),
  )
}

function indexesOf(part: string, before: string[], context: PathContext): number[] {
  if (part === '$') {
    const index = matchedIndex(context.filter, context.document, before)
    if (index >= 0) return [index]
    throw new CommandError(
      'BadValue',
      'The positional operator did not find the match needed from the query.',
    )
  }
  const array = valueAt(context.root, before)
  if (array?.type !== T.array) {
    throw new CommandError(
      'BadValue',
      `The path '${before.join('.')}' must exist and be an array to apply ${part}`,
    )
  }
  const list = items(array)
  if (part === '$[]') return list.map((_, index) => index)
  const name = part.slice(2, -1)
  const filter = context.arrayFilters.get(name)!
  return [...list.entries()]
    .filter(([, item]) => matches(filter, objectValue([[name, item]])))
    .map(([index]) => index)
}
