import { parseExpression } from '../aggregation/expression.ts'
import type { Expression } from '../aggregation/operator.ts'
import { toNumber } from '../bson/numbers.ts'
import {
  documentValue,
  Elements,
  entries,
  firstName,
  isEmpty,
  isNumber,
  items,
  T,
  truthy,
  Value,
} from '../bson/value.ts'
import { arrayValue, type BsonWriter, buildDocument } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { type Filter, isOperatorObject, parseFilter, type Test } from './filter.ts'
import { findElement, matchedIndex } from './match.ts'

type Node =
  | { kind: 'keep' | 'drop' }
  | { kind: 'compute'; expression: Expression }
  | { kind: 'slice'; skip: number; limit: number }
  | { kind: 'elemMatch'; test: Extract<Test, { op: 'elemMatch' }> }
  | { kind: 'position' }
  | Tree

interface Tree {
  kind: 'tree'
  children: Map<string, Node>
}

/** include: only what is listed; exclude: all but what is listed; add: all, with changes. */
type Mode = 'include' | 'exclude' | 'add'

export type Projection = (document: Value) => Value

const bad = (message: string) => new CommandError('BadValue', message)

interface Context {
  mode: Mode
  root: Value
  filter: Filter | undefined
  path: string[]
}

/**
 * @param filter of a find: `$` in a path means the element that made it match
 * @returns undefined when everything is wanted
 */
export function parseProjection(
  spec: Value | undefined,
  where: 'find' | 'aggregate',
  filter?: Filter,
): Projection | undefined {
  if (!spec || isEmpty(spec)) {
    if (where === 'aggregate') throw bad('projection specification must have at least one field')
    return undefined
  }
  const tree: Tree = { kind: 'tree', children: new Map() }
  const seen = { include: false, exclude: false, elemMatch: false }
  for (const [path, value] of entries(spec)) addPath(tree, path, value, where, seen)
  if (seen.include && seen.exclude) {
    throw bad('Cannot do exclusion and inclusion in the same projection')
  }
  const id = tree.children.get('_id')
  const onlyId = id && tree.children.size === 1 && !seen.include && !seen.exclude
  const isInclusion =
    seen.include || (!seen.exclude && (seen.elemMatch || (onlyId && id.kind !== 'drop')))
  if (isInclusion && !id) tree.children.set('_id', { kind: 'keep' })
  const mode: Mode = isInclusion ? 'include' : 'exclude'
  return (document) => run(tree, document, { mode, root: document, filter, path: [] })
}

/** $addFields and $set: new values by path. */
export function parseAddFields(spec: Value): Projection {
  const tree: Tree = { kind: 'tree', children: new Map() }
  for (const [path, value] of entries(spec)) {
    insert(tree, path, { kind: 'compute', expression: parseExpression(value) })
  }
  return (document) =>
    run(tree, document, { mode: 'add', root: document, filter: undefined, path: [] })
}

/** $unset: the paths to leave out. */
export function parseUnset(paths: string[]): Projection {
  const tree: Tree = { kind: 'tree', children: new Map() }
  for (const path of paths) insert(tree, path, { kind: 'drop' })
  return (document) =>
    run(tree, document, { mode: 'exclude', root: document, filter: undefined, path: [] })
}

function run(tree: Tree, document: Value, context: Context): Value {
  return documentValue(buildDocument((writer) => writeTree(tree, document, context, writer)))
}

function insert(tree: Tree, path: string, node: Node) {
  const parts = path.split('.')
  if (parts.some((part) => part === '')) throw bad(`FieldPath '${path}' has an empty part`)
  let at = tree
  for (const part of parts.slice(0, -1)) {
    let next = at.children.get(part)
    if (!next) {
      next = { kind: 'tree', children: new Map() }
      at.children.set(part, next)
    }
    if (next.kind !== 'tree') throw bad(`Path collision at ${path}`)
    at = next
  }
  const last = parts.at(-1)!
  if (at.children.has(last)) throw bad(`Path collision at ${path}`)
  at.children.set(last, node)
}

function addPath(
  tree: Tree,
  path: string,
  value: Value,
  where: 'find' | 'aggregate',
  seen: { include: boolean; exclude: boolean; elemMatch: boolean },
) {
  if (path.startsWith('$') || path === '') throw bad(`invalid projection path '${path}'`)
  if (where === 'find' && path.endsWith('.$')) {
    seen.include = true
    insert(tree, path.slice(0, -2), { kind: 'position' })
    return
  }
  if (isNumber(value) || value.type === T.bool) {
    const keep = truthy(value)
    // _id may be dropped from an inclusion, and kept in an exclusion.
    if (path !== '_id') seen[keep ? 'include' : 'exclude'] = true
    insert(tree, path, { kind: keep ? 'keep' : 'drop' })
    return
  }
  if (value.type === T.object && !isOperatorObject(value)) {
    if (isEmpty(value)) throw bad('An empty sub-projection is not a valid value')
    for (const [name, inner] of entries(value)) {
      addPath(tree, `${path}.${name}`, inner, where, seen)
    }
    return
  }
  const operator = value.type === T.object ? firstName(value) : undefined
  if (where === 'find' && operator === '$slice') {
    insert(tree, path, sliceNode([...entries(value)][0]![1]))
    return
  }
  if (where === 'find' && operator === '$elemMatch') {
    if (path.includes('.')) throw bad('Cannot use $elemMatch projection on a nested field')
    seen.elemMatch = true
    const inner = parseFilter(documentValue(buildDocument((w) => w.value('a', value))))
    if (inner.kind !== 'field' || inner.test.op !== 'elemMatch') throw bad('bad $elemMatch')
    insert(tree, path, { kind: 'elemMatch', test: inner.test })
    return
  }
  if (path !== '_id') seen.include = true
  insert(tree, path, { kind: 'compute', expression: parseExpression(value) })
}

function sliceNode(argument: Value): Node {
  const numbers = (argument.type === T.array ? items(argument) : [argument]).map((item) =>
    isNumber(item) ? Math.trunc(toNumber(item)) : Number.NaN,
  )
  if (numbers.some(Number.isNaN) || numbers.length > 2 || numbers.length === 0) {
    throw bad('$slice needs a number or [skip, limit]')
  }
  if (numbers.length === 1) {
    const count = numbers[0]!
    return count < 0
      ? { kind: 'slice', skip: count, limit: -count }
      : { kind: 'slice', skip: 0, limit: count }
  }
  if (numbers[1]! <= 0) throw bad('$slice limit must be positive')
  return { kind: 'slice', skip: numbers[0]!, limit: numbers[1]! }
}

function writeTree(tree: Tree, document: Value, context: Context, writer: BsonWriter) {
  const written = new Set<string>()
  const elements = new Elements(document)
  while (elements.next()) {
    const name = elements.name()
    const node = tree.children.get(name)
    const value = elements.value()
    if (!node) {
      if (context.mode !== 'include') writer.value(name, value)
      continue
    }
    if (node.kind === 'compute' && context.mode === 'include') continue
    written.add(name)
    const result = applyNode(node, value, { ...context, path: [...context.path, name] })
    if (result) writer.value(name, result)
  }
  for (const [name, node] of tree.children) {
    if (written.has(name)) continue
    const result = computeMissing(node, context)
    if (result) writer.value(name, result)
  }
}

function applyNode(node: Node, value: Value, context: Context): Value | undefined {
  switch (node.kind) {
    case 'keep':
      return value
    case 'drop':
      return undefined
    case 'compute':
      return node.expression({ root: context.root, variables: new Map() })
    case 'slice': {
      if (value.type !== T.array) return value
      const list = items(value)
      const start = node.skip < 0 ? Math.max(0, list.length + node.skip) : node.skip
      return arrayValue(list.slice(start, start + node.limit))
    }
    case 'elemMatch': {
      if (value.type !== T.array) return undefined
      const index = findElement(value, node.test)
      return index < 0 ? undefined : arrayValue([items(value)[index]!])
    }
    case 'position':
      return positioned(value, context)
    case 'tree':
      return intoTree(node, value, context)
  }
}

function positioned(value: Value, context: Context): Value {
  if (value.type !== T.array) return value
  const index = context.filter ? matchedIndex(context.filter, context.root, context.path) : -1
  const item = items(value)[index]
  if (!item) throw bad("Executor error: the positional '$' matched no element of the array")
  return arrayValue([item])
}

function intoTree(node: Tree, value: Value, context: Context): Value | undefined {
  if (value.type === T.object) {
    return new Value(T.object, ...whole(buildDocument((w) => writeTree(node, value, context, w))))
  }
  if (value.type === T.array) {
    const list: Value[] = []
    for (const item of items(value)) {
      const inner = intoTree(node, item, context)
      if (inner) list.push(inner)
    }
    return arrayValue(list)
  }
  if (context.mode === 'add') return computeMissing(node, context)
  return context.mode === 'exclude' ? value : undefined
}

function whole(bytes: Buffer): [Buffer, number, number] {
  return [bytes, 0, bytes.length]
}

/** What a computed field becomes where the document has nothing at its path. */
function computeMissing(node: Node, context: Context): Value | undefined {
  if (node.kind === 'compute') {
    return node.expression({ root: context.root, variables: new Map() })
  }
  if (node.kind !== 'tree') return undefined
  let isComputed = false
  const bytes = buildDocument((writer) => {
    for (const [name, child] of node.children) {
      const value = computeMissing(child, context)
      if (value) {
        isComputed = true
        writer.value(name, value)
      }
    }
  })
  return isComputed ? documentValue(bytes) : undefined
}
