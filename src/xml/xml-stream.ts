import { ByteWindow, type ReadBytes } from './byte-window.ts'
import { NameTable, type QualifiedName } from './name-table.ts'
import { NamespaceScope } from './namespace-scope.ts'
import { readDeclaration } from './xml-declaration.ts'
import { XmlError } from './xml-error.ts'
import { canonicalAttributeValue, checkReference } from './xml-text.ts'

export interface StreamLimits {
  /** Of the whole document. */
  readonly maxBytes: number
  /** One start tag, text or comment. Bounds what is held in memory. */
  readonly maxTokenBytes: number
  /** The root element has depth 1. */
  readonly maxDepth: number
}

/** An attribute of the present start tag. The object is used again for the next tag: copy to keep. */
export interface StreamAttribute {
  name: QualifiedName
  /** As canonical XML writes it between double quotes; bytes as Latin-1. */
  value: string
  /** Offsets of the value in the document, between the quotes. */
  from: number
  to: number
}

export type TokenKind = 'start' | 'end' | 'text' | 'eof'

/** As in scanXml: nothing we read has more, and they are compared with each other. */
const maxAttributesOfElement = 64

/** What a byte means in text: 0 passes, others are looked at. */
const textClass = new Uint8Array(256)
for (let byte = 0; byte < 0x20; byte++) textClass[byte] = 1
for (const byte of [0x09, 0x0a]) textClass[byte] = 0
/** Carriage return, &, >: written otherwise in canonical form. */
for (const byte of [0x0d, 0x26, 0x3e]) textClass[byte] = 2
textClass[0x3c] = 3
/** The first byte of U+FFFE and U+FFFF, the only characters of valid UTF-8 above U+001F that XML bars. */
textClass[0xef] = 4
const valueClass = textClass.slice()
for (const byte of [0x09, 0x0a, 0x22]) valueClass[byte] = 2
valueClass[0x3e] = 0

/**
 * Reads XML from bytes of any size in one pass, holding about a megabyte: checks that it is
 * well-formed XML 1.0 with namespaces, in UTF-8, without DTD, entities or processing instructions,
 * as scanXml does for texts that fit in memory. Comments are passed over; CDATA is text.
 *
 * Bytes are handled as Latin-1 strings, one character a byte: positions are byte offsets and
 * nothing is decoded that nobody asks for.
 *
 * Wrong XML is an XmlError from next(); it may come after tokens that were fine.
 */
export class XmlStream {
  /** Of the present token: the element's name at `start` and `end`. */
  name!: QualifiedName
  attributes: StreamAttribute[] = []
  attributeCount = 0
  isEmpty = false
  /** Depth of the element at `start` and `end`; of the element around it at `text`. */
  depth = 0
  /** Offsets of the present token in the document. */
  from = 0
  to = 0
  /** At `text`: whether it is written as canonical XML writes it; else see `isCdata`. */
  isPlain = true
  isCdata = false
  readonly scope = new NamespaceScope()

  readonly #window: ByteWindow
  readonly #limits: StreamLimits
  readonly #names = new NameTable()
  readonly #open: QualifiedName[] = []
  /** As the window has them, at hand: they are looked at for every token. */
  #text = ''
  #base = 0
  /** Where the next token begins in the window. */
  #at = 0
  #keepFrom = Number.POSITIVE_INFINITY
  #rootSeen = false
  /** An element written `<a/>`: its end is told next. */
  #endPending = false
  #closed = false

  constructor(read: ReadBytes, limits: StreamLimits) {
    this.#window = new ByteWindow(read, limits.maxBytes)
    this.#limits = limits
    while (this.#text.length < 4 && this.#fill());
    if (this.#text.startsWith('\xef\xbb\xbf')) this.#at = 3
    this.#skipDeclaration()
  }

  /** Bytes from this offset on stay available to slice(); undefined: none need to. */
  set keepFrom(offset: number | undefined) {
    this.#keepFrom = offset ?? Number.POSITIVE_INFINITY
  }

  /** A copy of the document's bytes; both offsets within what keepFrom keeps. */
  slice(from: number, to: number): Buffer {
    return this.#window.slice(from, to)
  }

  /** The present text as it stands in the document, Latin-1; of CDATA the inside. */
  rawText(): string {
    const start = this.from - this.#base
    const end = this.to - this.#base
    return this.isCdata ? this.#text.slice(start + 9, end - 3) : this.#text.slice(start, end)
  }

  next(): TokenKind {
    if (this.#closed) {
      // Undone one token late, so that whoever is told of the end still sees its namespaces.
      this.scope.leave()
      this.#closed = false
      this.depth = this.#open.length
    }
    if (this.#endPending) {
      this.#endPending = false
      return this.#close()
    }
    for (;;) {
      const text = this.#text
      const at = this.#at
      if (at >= text.length) {
        if (this.#fill()) continue
        return this.#finish()
      }
      this.from = this.#base + at
      let kind: TokenKind | 'again' | 'none'
      if (text.charCodeAt(at) !== 0x3c) kind = this.#scanText(at)
      else if (at + 1 >= text.length) kind = 'again'
      else {
        const next = text.charCodeAt(at + 1)
        if (next === 0x2f /* / */) kind = this.#scanEndTag(at)
        else if (next === 0x21 /* ! */) kind = this.#scanDeclarationLike(at)
        else if (next === 0x3f /* ? */) {
          throw this.#error(at, 'processing instructions (<?…?>) are not accepted')
        } else kind = this.#scanStartTag(at)
      }
      if (kind === 'again') {
        if (text.length - at > this.#limits.maxTokenBytes) {
          throw this.#error(at, `a tag or text of more than ${this.#limits.maxTokenBytes} bytes`)
        }
        if (this.#fill()) continue
        if (text.charCodeAt(at) === 0x3c) throw this.#error(at, 'the text ends inside markup')
        // Text with nothing after it: only white space may stand after the root.
        this.#checkOutside(at, text.length)
        this.#at = text.length
        continue
      }
      this.to = this.#base + this.#at
      if (this.to - this.from > this.#limits.maxTokenBytes) {
        throw this.#error(at, `a tag or text of more than ${this.#limits.maxTokenBytes} bytes`)
      }
      if (kind !== 'none') return kind
    }
  }

  #finish(): 'eof' {
    const open = this.#open.at(-1)
    if (open) throw this.#error(this.#at, `the text ends inside <${open.name}>`)
    if (!this.#rootSeen) throw this.#error(0, 'no XML element found')
    return 'eof'
  }

  #close(): 'end' {
    this.depth = this.#open.length
    this.name = this.#open.pop()!
    this.#closed = true
    return 'end'
  }

  #scanText(at: number): TokenKind | 'again' | 'none' {
    const text = this.#text
    const { length } = text
    let isPlain = true
    let position = at
    for (; position < length; position++) {
      const kind = textClass[text.charCodeAt(position)]
      if (kind === 0) continue
      if (kind === 3) break
      if (kind === 2) {
        isPlain = false
        if (text.charCodeAt(position) === 0x3e && text.startsWith(']]', position - 2)) {
          if (position - 2 >= at) throw this.#error(position, '"]]>" in text')
        }
      } else this.#checkCharacter(position)
    }
    if (position >= length) return 'again'
    this.#at = position
    if (this.#open.length === 0) {
      this.#checkOutside(at, position)
      return 'none'
    }
    if (!isPlain) this.#checkReferences(at, position)
    this.isPlain = isPlain
    this.isCdata = false
    return 'text'
  }

  #checkOutside(from: number, to: number): void {
    if (this.#open.length > 0) return
    const stray = /[^ \t\r\n]/.exec(this.#text.slice(from, to))
    if (stray) throw this.#error(from + stray.index, 'text outside the root element')
  }

  /** A control character, or the bytes EF BF BE or EF BF BF. */
  #checkCharacter(position: number): void {
    const code = this.#text.charCodeAt(position)
    if (code === 0xef) {
      const third = this.#text.charCodeAt(position + 2)
      if (this.#text.charCodeAt(position + 1) !== 0xbf || third < 0xbe) return
      throw this.#error(position, `the character U+FFF${third === 0xbe ? 'E' : 'F'} is not allowed`)
    }
    const hex = code.toString(16).toUpperCase().padStart(4, '0')
    throw this.#error(position, `the character U+${hex} is not allowed in XML`)
  }

  #checkReferences(from: number, to: number): void {
    const text = this.#text
    for (let at = text.indexOf('&', from); at >= 0 && at < to; at = text.indexOf('&', at + 1)) {
      const problem = checkReference(text, at, to)
      if (problem) throw this.#error(at, problem)
    }
  }

  #scanEndTag(at: number): TokenKind | 'again' {
    const text = this.#text
    const expected = this.#open.at(-1)
    if (!expected) throw this.#error(at, 'an end tag, but no element is open')
    let position = at + expected.close.length
    if (text.startsWith(expected.close, at)) {
      while (isSpace(text.charCodeAt(position))) position++
      if (position >= text.length) return 'again'
      if (text.charCodeAt(position) === 0x3e) {
        this.#at = position + 1
        return this.#close()
      }
    } else if (text.length < position + 1) return 'again'
    throw this.#error(at, `wrong end tag: </${expected.name}> is expected here`)
  }

  #scanDeclarationLike(at: number): TokenKind | 'again' | 'none' {
    const text = this.#text
    if (text.length - at < 9 && !this.#window.isAtEnd) return 'again'
    if (text.startsWith('<!--', at)) {
      const end = text.indexOf('--', at + 4)
      if (end < 0 || end + 2 >= text.length) return 'again'
      if (text.charCodeAt(end + 2) !== 0x3e) throw this.#error(end, '"--" inside a comment')
      this.#checkCharacters(at, end)
      this.#at = end + 3
      return 'none'
    }
    if (this.#open.length > 0 && text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at + 9)
      if (end < 0) return 'again'
      this.#checkCharacters(at, end)
      this.#at = end + 3
      this.isPlain = false
      this.isCdata = true
      return 'text'
    }
    if (/^<!doctype/i.test(text.slice(at, at + 9))) {
      throw this.#error(at, 'a document type (<!DOCTYPE) is not accepted')
    }
    throw this.#error(at, 'markup that is neither element, comment nor CDATA')
  }

  #checkCharacters(from: number, to: number): void {
    for (let position = from; position < to; position++) {
      const kind = textClass[this.#text.charCodeAt(position)]
      if (kind === 1 || kind === 4) this.#checkCharacter(position)
    }
  }

  #scanStartTag(at: number): TokenKind | 'again' {
    const text = this.#text
    const { length } = text
    if (this.#open.length === 0 && this.#rootSeen) throw this.#error(at, 'a second root element')
    let position = this.#names.end(text, at + 1)
    if (position >= length) return 'again'
    const name = this.#name(at + 1, position)
    let count = 0
    for (;;) {
      const before = position
      while (isSpace(text.charCodeAt(position))) position++
      if (position >= length) return 'again'
      const code = text.charCodeAt(position)
      if (code === 0x3e /* > */) {
        this.isEmpty = false
        position += 1
        break
      }
      if (code === 0x2f /* / */) {
        if (position + 1 >= length) return 'again'
        if (text.charCodeAt(position + 1) !== 0x3e) {
          throw this.#error(position, `<${name.name}> is not written as XML demands`)
        }
        this.isEmpty = true
        position += 2
        break
      }
      if (position === before) {
        throw this.#error(position, `<${name.name}> is not written as XML demands`)
      }
      if (count >= maxAttributesOfElement) {
        throw this.#error(at, `<${name.name}> has more than ${maxAttributesOfElement} attributes`)
      }
      position = this.#scanAttribute(position, count)
      if (position < 0) return 'again'
      count += 1
    }
    this.#rootSeen = true
    this.name = name
    this.attributeCount = count
    this.depth = this.#open.length + 1
    if (this.depth > this.#limits.maxDepth) {
      throw this.#error(at, `elements nested deeper than ${this.#limits.maxDepth} levels`)
    }
    const problem = this.scope.enter(name, this.attributes, count)
    if (problem) throw this.#error(at, `<${name.name}>: ${problem}`)
    this.#open.push(name)
    this.#endPending = this.isEmpty
    this.#at = position
    return 'start'
  }

  /** @returns where the attribute ends; -1 when the window ends first */
  #scanAttribute(at: number, index: number): number {
    const text = this.#text
    const { length } = text
    let position = this.#names.end(text, at)
    if (position >= length) return -1
    const name = this.#name(at, position)
    while (isSpace(text.charCodeAt(position))) position++
    if (position >= length) return -1
    if (text.charCodeAt(position) !== 0x3d) {
      throw this.#error(position, `the attribute ${name.name} has no value`)
    }
    position += 1
    while (isSpace(text.charCodeAt(position))) position++
    if (position >= length) return -1
    const quote = text.charCodeAt(position)
    if (quote !== 0x22 && quote !== 0x27) {
      throw this.#error(position, `the value of ${name.name} is not in quotes`)
    }
    const from = position + 1
    let isPlain = true
    for (position = from; position < length; position++) {
      const code = text.charCodeAt(position)
      if (code === quote) break
      const kind = valueClass[code]
      if (kind === 0) continue
      if (kind === 2) isPlain = false
      else if (kind === 3) throw this.#error(position, `"<" in the value of ${name.name}`)
      else this.#checkCharacter(position)
    }
    if (position >= length) return -1
    let value = text.slice(from, position)
    if (!isPlain) {
      this.#checkReferences(from, position)
      value = canonicalAttributeValue(value)
    }
    const attribute = this.attributes[index]
    if (attribute) {
      attribute.name = name
      attribute.value = value
      attribute.from = this.#base + from
      attribute.to = this.#base + position
    } else {
      this.attributes[index] = { name, value, from: this.#base + from, to: this.#base + position }
    }
    return position + 1
  }

  #name(from: number, to: number): QualifiedName {
    const name = this.#names.get(this.#text, from, to)
    if (!name) throw this.#error(from, 'a name that XML with namespaces does not allow')
    return name
  }

  #skipDeclaration(): void {
    const { problem, end } = readDeclaration(this.#text, this.#at)
    if (problem) throw this.#error(this.#at, problem)
    this.#at = end
  }

  /** @returns false when there is nothing more */
  #fill(): boolean {
    const next = this.#base + this.#at
    if (!this.#window.fill(Math.min(next, Math.max(this.#base, this.#keepFrom)))) return false
    this.#base = this.#window.base
    this.#text = this.#window.text
    this.#at = next - this.#base
    return true
  }

  #error(at: number, problem: string): XmlError {
    return new XmlError(`byte ${this.#base + at}: ${problem}`)
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
}
