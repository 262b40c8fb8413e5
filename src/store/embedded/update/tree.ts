/** A document opened for change: only what is touched is taken apart, the rest stays bytes. */
import { documentValue, entries, items, nullValue, T, typeNames, Value } from '../bson/value.ts'
import { type BsonWriter, buildDocument } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'

export class OpenObject {
  readonly fields: Map<string, Node>
  constructor(value?: Value) {
    this.fields = value ? new Map(entries(value)) : new Map()
  }
}

class OpenArray {
  readonly list: Node[]
  constructor(value: Value) {
    this.list = items(value)
  }
}

export type Node = Value | OpenObject | OpenArray

/** Padding an array up to an index stops here, as in MongoDB. */
const maxPadding = 1_500_000

function openNode(node: Node): Node {
  if (node instanceof Value) {
    if (node.type === T.object) return new OpenObject(node)
    if (node.type === T.array) return new OpenArray(node)
  }
  return node
}

function indexOf(part: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1
}

/**
 * Changes what is at a path. `change` gets the present value (undefined when there is none) and
 * answers with the new one, or undefined to remove it.
 *
 * @param create whether objects on the way are made; without, a path that leads nowhere is left
 * @throws {CommandError} PathNotViable when the path runs through a scalar
 */
export function changeAt(
  root: OpenObject,
  parts: string[],
  create: boolean,
  change: (value: Value | undefined) => Value | undefined,
) {
  let parent: OpenObject | OpenArray = root
  for (const [depth, part] of parts.slice(0, -1).entries()) {
    let child = getChild(parent, part)
    if (child === undefined) {
      if (!create) return
      child = new OpenObject()
    }
    const open = openNode(child)
    if (open instanceof Value) {
      if (!create) return
      throw notViable(parts[depth + 1]!, part, open)
    }
    setChild(parent, part, open)
    parent = open
  }
  const last = parts.at(-1)!
  const before = getChild(parent, last)
  if (parent instanceof OpenArray && indexOf(last) < 0) {
    if (!create) return
    throw new CommandError('PathNotViable', `Cannot create field '${last}' in an array`)
  }
  const value = change(before === undefined ? undefined : closeNode(before))
  if (value) setChild(parent, last, value)
  else if (before !== undefined) removeChild(parent, last)
}

function notViable(missing: string, part: string, value: Value): CommandError {
  return new CommandError(
    'PathNotViable',
    `Cannot create field '${missing}' in element {${part}: ${typeNames[value.type]}}`,
  )
}

function getChild(parent: OpenObject | OpenArray, part: string): Node | undefined {
  if (parent instanceof OpenObject) return parent.fields.get(part)
  const index = indexOf(part)
  return index < 0 ? undefined : parent.list[index]
}

function setChild(parent: OpenObject | OpenArray, part: string, node: Node) {
  if (parent instanceof OpenObject) {
    parent.fields.set(part, node)
    return
  }
  const index = indexOf(part)
  if (index < 0) {
    throw new CommandError('PathNotViable', `Cannot create field '${part}' in an array`)
  }
  if (index - parent.list.length > maxPadding) {
    throw new CommandError('BadValue', `cannot pad an array up to index ${index}`)
  }
  while (parent.list.length < index) parent.list.push(nullValue)
  parent.list[index] = node
}

/** $unset of an array element leaves null, so that the others keep their places. */
function removeChild(parent: OpenObject | OpenArray, part: string) {
  if (parent instanceof OpenObject) parent.fields.delete(part)
  else parent.list[indexOf(part)] = nullValue
}

/** The value at a path as it stands now. */
export function valueAt(root: OpenObject, parts: string[]): Value | undefined {
  let node: Node | undefined = root
  for (const part of parts) {
    if (node === undefined) return undefined
    const open: Node = openNode(node)
    if (open instanceof Value) return undefined
    node = getChild(open, part)
  }
  return node === undefined ? undefined : closeNode(node)
}

export function closeNode(node: Node): Value {
  if (node instanceof Value) return node
  const bytes = buildDocument((writer) => writeChildren(node, writer))
  const closed = documentValue(bytes)
  return node instanceof OpenObject ? closed : new Value(T.array, bytes, 0, bytes.length)
}

function writeChildren(node: OpenObject | OpenArray, writer: BsonWriter) {
  if (node instanceof OpenObject) {
    for (const [name, child] of node.fields) writer.value(name, closeNode(child))
  } else {
    for (const [index, child] of node.list.entries()) writer.value(index, closeNode(child))
  }
}
