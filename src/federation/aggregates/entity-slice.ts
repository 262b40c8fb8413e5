import type { NamespaceScope } from '../../xml/namespace-scope.ts'
import { declaredPrefix } from '../../xml/namespace-scope.ts'
import type { XmlStream } from '../../xml/xml-stream.ts'

/** An element's start tag and what it needs from around it to stand alone. */
export interface SliceStart {
  /** Offset of the element in the document. */
  readonly from: number
  /** Offset just behind the element's name, where attributes can be put in. */
  readonly nameEnd: number
  /** Declarations in force that the start tag does not make itself: prefix, value. */
  readonly inherited: readonly (readonly [string, string])[]
  /** Attributes of the start tag without prefix: offsets of the values. */
  readonly attributes: ReadonlyMap<string, { readonly from: number; readonly to: number }>
}

/** Takes what sliceElement() needs, at the element's `start` token. */
export function sliceStart(stream: XmlStream): SliceStart {
  const own = new Set<string>()
  const attributes = new Map<string, { from: number; to: number }>()
  for (let index = 0; index < stream.attributeCount; index++) {
    const { name, from, to } = stream.attributes[index]!
    const declared = declaredPrefix(name)
    if (declared !== undefined) own.add(declared)
    else if (name.prefix === '') attributes.set(name.name, { from, to })
  }
  return {
    from: stream.from,
    nameEnd: stream.from + 1 + stream.name.name.length,
    inherited: declarations(stream.scope).filter(([prefix]) => !own.has(prefix)),
    attributes,
  }
}

function declarations(scope: NamespaceScope): [string, string][] {
  return scope.entries().filter(([prefix, value]) => prefix !== '' || value !== '')
}

/**
 * The element as a document of its own: its bytes as they came, with the declarations in force
 * around it, and with other values for some attributes.
 *
 * @param to the offset behind the element; its bytes must still be kept by the stream
 * @param options.changed attribute values by name: plain text in ASCII that needs no escape
 */
export function sliceElement(
  stream: XmlStream,
  start: SliceStart,
  to: number,
  options: {
    readonly changed?: Readonly<Record<string, string>>
    /** Leaves out declarations that the element does not use. A PrefixList in it may still name them. */
    readonly usedOnly?: boolean
  } = {},
): Buffer {
  const { changed = {}, usedOnly = false } = options
  const bytes = stream.slice(start.from, to)
  let added = ''
  for (const [prefix, value] of start.inherited) {
    // A prefix that stands nowhere in the bytes, be it in a name or a value, is not used.
    if (!usedOnly || prefix === '' || bytes.includes(`${prefix}:`)) {
      added += ` xmlns${prefix && ':'}${prefix}="${value}"`
    }
  }
  const edits: { from: number; to: number; text: string }[] = []
  for (const [name, value] of Object.entries(changed)) {
    const there = start.attributes.get(name)
    if (there) edits.push({ from: there.from, to: there.to, text: value })
    else added += ` ${name}="${value}"`
  }
  edits.push({ from: start.nameEnd, to: start.nameEnd, text: added })
  edits.sort((a, b) => a.from - b.from)
  const pieces: Buffer[] = []
  let position = start.from
  for (const edit of edits) {
    pieces.push(bytes.subarray(position - start.from, edit.from - start.from))
    pieces.push(Buffer.from(edit.text, 'latin1'))
    position = edit.to
  }
  pieces.push(bytes.subarray(position - start.from))
  return Buffer.concat(pieces)
}
