import { DOMParser } from '@xmldom/xmldom'
import { XmlError } from './xml-error.ts'
import { scanXml, type XmlLimits } from './xml-scan.ts'

export { XmlError } from './xml-error.ts'

export interface ParseXmlOptions extends Partial<XmlLimits> {
  /** Keeps the source line of every element, for lineOf(). Costs about half as much again. */
  readonly lines?: boolean
}

/** Ample for the metadata of one entity with logos inside; messages are given less by their reader. */
const defaultLimits: XmlLimits = { maxBytes: 1_048_576, maxDepth: 32, maxNodes: 50_000 }

/**
 * Reads XML that a stranger wrote. The text is first scanned (well-formedness, size, depth, no DTD,
 * no entities but the five built in, no processing instructions), because xmldom repairs what it
 * should refuse; then xmldom builds the tree, and namespaces and IDs are checked on it.
 *
 * A repeated ID is refused: a signature points to its element by ID, so a copy could stand in for
 * the signed one (signature wrapping).
 *
 * @throws {XmlError}
 */
export function parseXml(text: string, options: ParseXmlOptions = {}): Document {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  scanXml(source, {
    maxBytes: options.maxBytes ?? defaultLimits.maxBytes,
    maxDepth: options.maxDepth ?? defaultLimits.maxDepth,
    maxNodes: options.maxNodes ?? defaultLimits.maxNodes,
  })
  const refuse = (_level: string, message: unknown) => {
    throw new XmlError(String(message).replace(/\s+/g, ' '))
  }
  const parser = new DOMParser({
    // xmldom asks for a callback of exactly two parameters.
    errorHandler: (level: string, message: unknown) => refuse(level, message),
    locator: options.lines ? {} : undefined,
    // The default also turns U+0085 and U+2028 into line feeds, as XML 1.1 does: digests would differ.
    normalizeLineEndings,
  } as ConstructorParameters<typeof DOMParser>[0])
  const document = parser.parseFromString(source, 'text/xml')
  checkNamespacesAndIds(document)
  return document
}

/** Keeps nothing from one text to the next. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws {XmlError} when the bytes are not UTF-8 */
export function decodeXml(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new XmlError('it is not written in UTF-8; save it as UTF-8')
  }
}

/** XML 1.0 section 2.11. */
function normalizeLineEndings(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

function checkNamespacesAndIds(document: Document): void {
  const ids = new Set<string>()
  for (const element of elementsInOrder(document.documentElement)) {
    checkNamespace(element, element)
    const { attributes } = element
    const qualified: string[] = []
    for (let index = 0; index < attributes.length; index++) {
      const attribute = attributes.item(index)!
      const { prefix, localName, value } = attribute
      if (attribute.namespaceURI === xmlnsNamespace) {
        checkDeclaration(element, attribute)
        continue
      }
      if (prefix) {
        checkNamespace(element, attribute)
        const expanded = `${attribute.namespaceURI} ${localName}`
        if (qualified.includes(expanded)) {
          throw new XmlError(
            `<${element.tagName}> has the attribute ${localName} twice`,
            lineOf(element),
          )
        }
        qualified.push(expanded)
      }
      const isId = prefix ? attribute.name === 'xml:id' : /^id$/i.test(attribute.name)
      if (isId) {
        if (ids.has(value))
          throw new XmlError(`the ID "${shorten(value)}" occurs twice`, lineOf(element))
        ids.add(value)
      }
    }
  }
}

/** Without recursion; depth is bounded anyway. */
function* elementsInOrder(root: Element): Generator<Element> {
  const stack: Node[] = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    yield node as Element
    for (let child = node.lastChild; child; child = child.previousSibling) {
      if (child.nodeType === 1) stack.push(child)
    }
  }
}

/** xmldom gives a prefix that nobody declared no namespace, or a member of Object.prototype. */
function checkNamespace(element: Element, node: Element | Attr): void {
  if (node.prefix && (typeof node.namespaceURI !== 'string' || node.namespaceURI === '')) {
    throw new XmlError(`the prefix "${shorten(node.prefix)}" is not declared`, lineOf(element))
  }
}

function checkDeclaration(element: Element, attribute: Attr): void {
  const { prefix, localName, value } = attribute
  const isReserved = prefix === 'xmlns' && (localName === 'xmlns' || localName === 'xml')
  if (isReserved || (prefix === 'xmlns' && value === '') || value === xmlnsNamespace) {
    throw new XmlError(`${attribute.name}="${shorten(value)}" is not allowed`, lineOf(element))
  }
}

/** Line of the element's start tag; undefined unless parsed with `lines`. */
export function lineOf(element: Element): number | undefined {
  return (element as Element & { lineNumber?: number }).lineNumber || undefined
}

/** The child elements of that name, in document order; every local name when `localName` is `*`. */
export function childElements(
  parent: Element | Document,
  namespace: string,
  localName: string,
): Element[] {
  const found: Element[] = []
  for (let child = parent.firstChild; child; child = child.nextSibling) {
    if (child.nodeType !== 1) continue
    const element = child as Element
    if (element.namespaceURI !== namespace) continue
    if (localName === '*' || element.localName === localName) found.push(element)
  }
  return found
}

/** The first child element of that name. */
export function childElement(
  parent: Element | Document,
  namespace: string,
  localName: string,
): Element | undefined {
  for (let child = parent.firstChild; child; child = child.nextSibling) {
    const element = child as Element
    if (
      child.nodeType === 1 &&
      element.localName === localName &&
      element.namespaceURI === namespace
    ) {
      return element
    }
  }
  return undefined
}

/**
 * All text inside the element, trimmed; comments are skipped, not a place to cut the text at
 * (`admin@a.example<!---->.evil.example` is one value).
 */
export function textOf(element: Element | undefined): string {
  return element?.textContent?.trim() ?? ''
}

/** The attribute's value, undefined when it is absent. */
export function attributeOf(element: Element, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
