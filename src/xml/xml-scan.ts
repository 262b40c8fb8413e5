import { XmlError } from './xml-error.ts'

/** Bounds on one document. Checked before any tree is built. */
export interface XmlLimits {
  /** Of the UTF-8 form. */
  readonly maxBytes: number
  /** The root element has depth 1. */
  readonly maxDepth: number
  /** Elements, attributes and comments together. */
  readonly maxNodes: number
}

/** xmldom searches the whole text once for every new element name, and walks a list for every attribute. */
const maxElementNames = 500
const maxAttributesOfElement = 64

const nameStart =
  'A-Za-z_\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u1FFF\\u3001-\\uD7FF'
const ncName = `[${nameStart}][${nameStart}0-9.\\-\\u00B7]*`
const elementStart = new RegExp(`<(${ncName}(?::${ncName})?)`, 'y')
const attributeStart = new RegExp(
  `[ \\t\\r\\n]+(${ncName}(?::${ncName})?)[ \\t\\r\\n]*=[ \\t\\r\\n]*(["'])`,
  'y',
)
const elementEnd = /[ \t\r\n]*(\/?)>/y
const closingTag = new RegExp(`</(${ncName}(?::${ncName})?)[ \\t\\r\\n]*>`, 'y')
const declaration =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][\w.-]*)["'])?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>/y
const reference = /&(?:amp|lt|gt|quot|apos|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/y
/** XML 1.0 production 2. With the u flag a lone surrogate is a character of its own and matches. */
const illegalCharacter = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/**
 * Checks in one linear pass that the text is well-formed XML 1.0 within the limits, without DTD,
 * entities or processing instructions. No recursion, no tree: a bomb costs what reading it costs.
 * Namespaces are not checked here.
 *
 * @throws {XmlError} with the line of the first thing wrong
 */
export function scanXml(text: string, limits: XmlLimits): void {
  checkSize(text, limits.maxBytes)
  const illegal = illegalCharacter.exec(text)
  if (illegal) {
    const code = illegal[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    throw XmlError.at(text, illegal.index, `the character U+${code} is not allowed in XML`)
  }

  const open: string[] = []
  const names = new Set<string>()
  let nodes = 0
  let rootSeen = false
  let position = skipDeclaration(text)

  const countNode = (at: number) => {
    nodes += 1
    if (nodes > limits.maxNodes) {
      throw XmlError.at(text, at, `more than ${limits.maxNodes} elements and attributes`)
    }
  }

  while (position < text.length) {
    const tagAt = text.indexOf('<', position)
    checkText(text, position, tagAt < 0 ? text.length : tagAt, open.length > 0)
    if (tagAt < 0) break
    position = tagAt
    const next = text.charCodeAt(position + 1)
    if (next === 0x2f /* / */) {
      closingTag.lastIndex = position
      const name = closingTag.exec(text)?.[1]
      const expected = open.pop()
      if (name === undefined || name !== expected) {
        const what = expected === undefined ? 'no element is open' : `</${expected}> is expected`
        throw XmlError.at(text, position, `wrong end tag: ${what} here`)
      }
      position = closingTag.lastIndex
    } else if (next === 0x21 /* ! */) {
      countNode(position)
      position = skipCommentOrCdata(text, position, open.length > 0)
    } else if (next === 0x3f /* ? */) {
      throw XmlError.at(text, position, 'processing instructions (<?…?>) are not accepted')
    } else {
      if (open.length === 0 && rootSeen) {
        throw XmlError.at(text, position, 'a second root element')
      }
      rootSeen = true
      countNode(position)
      const tag = scanStartTag(text, position, countNode)
      names.add(tag.name)
      if (names.size > maxElementNames) {
        throw XmlError.at(text, position, `more than ${maxElementNames} different element names`)
      }
      if (open.length + 1 > limits.maxDepth) {
        throw XmlError.at(text, position, `elements nested deeper than ${limits.maxDepth} levels`)
      }
      if (!tag.isEmpty) open.push(tag.name)
      position = tag.end
    }
  }
  if (open.length > 0) {
    throw XmlError.at(text, text.length, `the text ends inside <${open.at(-1)}>`)
  }
  if (!rootSeen) throw XmlError.at(text, 0, 'no XML element found')
}

function checkSize(text: string, maxBytes: number): void {
  // A UTF-16 unit is 1 to 3 bytes of UTF-8, so most texts need no counting.
  const mayBeTooLong = text.length * 3 > maxBytes
  if (text.length > maxBytes || (mayBeTooLong && Buffer.byteLength(text) > maxBytes)) {
    throw new XmlError(`larger than ${maxBytes} bytes`)
  }
}

function skipDeclaration(text: string): number {
  if (!text.startsWith('<?xml') || !/[ \t\r\n]/.test(text.charAt(5))) return 0
  declaration.lastIndex = 0
  const match = declaration.exec(text)
  if (!match) throw XmlError.at(text, 0, 'the XML declaration is not one of XML 1.0')
  const encoding = match[1]
  if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding)) {
    throw XmlError.at(
      text,
      0,
      `it says encoding="${encoding}", only UTF-8 is read; save it as UTF-8`,
    )
  }
  return declaration.lastIndex
}

function checkText(text: string, from: number, to: number, insideRoot: boolean): void {
  if (from === to) return
  if (!insideRoot) {
    const stray = /[^ \t\r\n]/.exec(text.slice(from, to))
    if (stray) throw XmlError.at(text, from + stray.index, 'text outside the root element')
    return
  }
  checkReferences(text, from, to)
  const cdataEnd = text.slice(from, to).indexOf(']]>')
  if (cdataEnd >= 0) throw XmlError.at(text, from + cdataEnd, '"]]>" in text')
}

function checkReferences(text: string, from: number, to: number): void {
  const content = text.slice(from, to)
  for (let at = content.indexOf('&'); at >= 0; at = content.indexOf('&', at + 1)) {
    reference.lastIndex = at
    const match = reference.exec(content)
    if (!match) {
      const shown = content.slice(at, at + 20).split(/[;\s]/)[0]
      throw XmlError.at(text, from + at, `"${shown}" is no character that XML knows by itself`)
    }
    const [, decimal, hexadecimal] = match
    if (decimal === undefined && hexadecimal === undefined) continue
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hexadecimal!, 16)
    if (code > 0x10ffff || illegalCharacter.test(String.fromCodePoint(code))) {
      throw XmlError.at(text, from + at, `${match[0]} stands for a character not allowed in XML`)
    }
  }
}

function skipCommentOrCdata(text: string, at: number, insideRoot: boolean): number {
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('--', at + 4)
    if (end < 0 || text[end + 2] !== '>') {
      throw XmlError.at(text, end < 0 ? at : end, 'a comment that is not closed by "-->"')
    }
    return end + 3
  }
  if (insideRoot && text.startsWith('<![CDATA[', at)) {
    const end = text.indexOf(']]>', at + 9)
    if (end < 0) throw XmlError.at(text, at, 'a CDATA section that is not closed by "]]>"')
    return end + 3
  }
  if (/^<!doctype/i.test(text.slice(at, at + 9))) {
    throw XmlError.at(text, at, 'a document type (<!DOCTYPE) is not accepted; remove it')
  }
  throw XmlError.at(text, at, 'markup that is neither element, comment nor CDATA')
}

function scanStartTag(text: string, at: number, countNode: (at: number) => void) {
  elementStart.lastIndex = at
  const name = elementStart.exec(text)?.[1]
  if (name === undefined) throw XmlError.at(text, at, 'a "<" that starts no element')
  // xmldom reads these two, in the XHTML namespace, by the rules of HTML.
  if (/^(script|textarea)$/i.test(name)) throw XmlError.at(text, at, `<${name}> is not accepted`)
  let position = elementStart.lastIndex
  const attributes: string[] = []
  for (;;) {
    attributeStart.lastIndex = position
    const attribute = attributeStart.exec(text)
    if (!attribute) break
    const [, attributeName = '', quote = '"'] = attribute
    if (attributes.includes(attributeName)) {
      throw XmlError.at(text, position, `<${name}> has the attribute ${attributeName} twice`)
    }
    attributes.push(attributeName)
    if (attributes.length > maxAttributesOfElement) {
      throw XmlError.at(text, at, `<${name}> has more than ${maxAttributesOfElement} attributes`)
    }
    countNode(at)
    const valueAt = attributeStart.lastIndex
    const valueEnd = text.indexOf(quote, valueAt)
    const value = text.slice(valueAt, valueEnd)
    if (valueEnd < 0 || value.includes('<')) {
      throw XmlError.at(text, position, `the value of ${attributeName} is not closed, or holds "<"`)
    }
    if (value.includes('&')) checkReferences(text, valueAt, valueEnd)
    position = valueEnd + 1
  }
  elementEnd.lastIndex = position
  const end = elementEnd.exec(text)
  if (!end) throw XmlError.at(text, position, `<${name}> is not written as XML demands`)
  return { name, isEmpty: end[1] === '/', end: elementEnd.lastIndex }
}
