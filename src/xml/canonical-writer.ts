import type { QualifiedName } from './name-table.ts'
import type { NamespaceScope } from './namespace-scope.ts'
import { declaredPrefix } from './namespace-scope.ts'
import type { StreamAttribute, XmlStream } from './xml-stream.ts'
import { canonicalText } from './xml-text.ts'

/** A start tag, of a stream or kept from one. */
export interface CanonicalTag {
  readonly name: QualifiedName
  readonly attributes: readonly StreamAttribute[]
  readonly attributeCount: number
}

/** Characters collected before they go out: strings are cheap to add to, giving them away is not. */
const flushCharacters = 65_536

/**
 * Writes the tokens of one element as Exclusive XML Canonicalization 1.0 without comments has them.
 * It keeps the namespaces that are written out and nothing else, so it runs along with the reader.
 *
 * Exclusive XML Canonicalization 1.0, section 3; Canonical XML 1.1, sections 2.2 and 2.3.
 */
export class CanonicalWriter {
  readonly #write: (latin1: string) => void
  /** InclusiveNamespaces PrefixList, the default namespace as ''. */
  readonly #inclusive: readonly string[]
  /** What ancestors in the output declare, by prefix. */
  readonly #rendered = new Map<string, string>([['', '']])
  readonly #replaced: [string, string | undefined][] = []
  readonly #marks: number[] = []
  #out = ''

  /** @param prefixList the PrefixList attribute, `#default` for the default namespace */
  constructor(write: (latin1: string) => void, prefixList = '') {
    this.#write = write
    const prefixes = prefixList.split(/[ \t\r\n]+/).filter(Boolean)
    this.#inclusive = [...new Set(prefixes.map((one) => (one === '#default' ? '' : one)))]
  }

  /** Takes up the stream's present token. */
  token(kind: 'start' | 'end' | 'text', stream: XmlStream): void {
    if (kind === 'text') this.text(stream)
    else if (kind === 'start') this.start(stream, stream.scope)
    else this.end(stream.name)
  }

  start(tag: CanonicalTag, scope: NamespaceScope): void {
    const { name, attributes, attributeCount } = tag
    this.#marks.push(this.#replaced.length)
    let declarations = this.#declare(name.prefix, scope, '')
    let count = 0
    for (let index = 0; index < attributeCount; index++) {
      const attribute = attributes[index]!.name
      if (declaredPrefix(attribute) !== undefined) continue
      count += 1
      if (attribute.prefix !== '')
        declarations = this.#declare(attribute.prefix, scope, declarations)
    }
    for (const prefix of this.#inclusive) declarations = this.#declare(prefix, scope, declarations)
    if (this.#replaced.length > this.#marks.at(-1)! + 1) declarations = this.#sorted()
    let out = `<${name.name}${declarations}`
    if (count === 1) {
      for (let index = 0; index < attributeCount; index++) {
        const { name: attribute, value } = attributes[index]!
        if (declaredPrefix(attribute) === undefined) out += ` ${attribute.name}="${value}"`
      }
    } else if (count > 1) out += inOrder(tag, scope)
    this.#add(`${out}>`)
  }

  end(name: QualifiedName): void {
    this.#add(`${name.close}>`)
    const mark = this.#marks.pop()!
    while (this.#replaced.length > mark) {
      const [prefix, value] = this.#replaced.pop()!
      if (value === undefined) this.#rendered.delete(prefix)
      else this.#rendered.set(prefix, value)
    }
  }

  text(stream: XmlStream): void {
    const raw = stream.rawText()
    this.#add(stream.isPlain ? raw : canonicalText(raw, stream.isCdata))
  }

  /** Text that is canonical already. */
  raw(canonical: string): void {
    this.#add(canonical)
  }

  /** Gives away what is collected. */
  flush(): void {
    if (this.#out === '') return
    this.#write(this.#out)
    this.#out = ''
  }

  #add(piece: string): void {
    this.#out += piece
    if (this.#out.length > flushCharacters) this.flush()
  }

  #declare(prefix: string, scope: NamespaceScope, before: string): string {
    if (prefix === 'xml') return before
    const value = scope.get(prefix) ?? (prefix === '' ? '' : undefined)
    const written = this.#rendered.get(prefix)
    // A listed prefix need not be declared at all.
    if (value === undefined || written === value) return before
    this.#replaced.push([prefix, written])
    this.#rendered.set(prefix, value)
    return `${before}${declaration(prefix, value)}`
  }

  /** The declarations just made, by prefix; the default namespace first. */
  #sorted(): string {
    return this.#replaced
      .slice(this.#marks.at(-1))
      .map(([prefix]) => prefix)
      .sort(byBytes)
      .map((prefix) => declaration(prefix, this.#rendered.get(prefix)!))
      .join('')
  }
}

function declaration(prefix: string, value: string): string {
  return prefix === '' ? ` xmlns="${value}"` : ` xmlns:${prefix}="${value}"`
}

/** By namespace, then by local name; attributes without prefix are in no namespace and come first. */
function inOrder({ attributes, attributeCount }: CanonicalTag, scope: NamespaceScope): string {
  const sorted: { key: string; local: string; text: string }[] = []
  for (let index = 0; index < attributeCount; index++) {
    const { name, value } = attributes[index]!
    if (declaredPrefix(name) !== undefined) continue
    const key = name.prefix === '' ? '' : scope.get(name.prefix)!
    sorted.push({ key, local: name.local, text: ` ${name.name}="${value}"` })
  }
  sorted.sort((a, b) => byBytes(a.key, b.key) || byBytes(a.local, b.local))
  let out = ''
  for (const { text } of sorted) out += text
  return out
}

/** Latin-1 strings of UTF-8 compare as the specification's code points do. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
