/**
 * Text and attribute values as Canonical XML writes them (Canonical XML 1.1, section 2.3). Strings
 * are Latin-1, one character a byte of UTF-8, as XmlStream reads them; references were checked.
 */

const reference = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/y
const anyReference = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/g
/** XML 1.0 production 2. */
const illegalCharacter = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** @returns what is wrong with the reference that begins there, if anything */
export function checkReference(text: string, at: number, to: number): string | undefined {
  reference.lastIndex = at
  const match = reference.exec(text)
  if (!match || reference.lastIndex > to) {
    const shown = text.slice(at, Math.min(to, at + 20)).split(/[;\s]/)[0]
    return `"${shown}" is no character that XML knows by itself`
  }
  const code = codeOf(match[2], match[3])
  if (
    code !== undefined &&
    (code > 0x10ffff || illegalCharacter.test(String.fromCodePoint(code)))
  ) {
    return `${match[0]} stands for a character not allowed in XML`
  }
  return undefined
}

function codeOf(decimal: string | undefined, hexadecimal: string | undefined): number | undefined {
  if (decimal !== undefined) return Number.parseInt(decimal, 10)
  return hexadecimal === undefined ? undefined : Number.parseInt(hexadecimal, 16)
}

function expand(raw: string, write: (character: string) => string): string {
  return raw.replace(anyReference, (_all, name, decimal, hexadecimal) => {
    const character = name ? named[name]! : String.fromCodePoint(codeOf(decimal, hexadecimal)!)
    return write(
      character.codePointAt(0)! < 0x80 ? character : Buffer.from(character).toString('latin1'),
    )
  })
}

const textEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#xD;',
}
const valueEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

/** Text between tags. A carriage return that was written as a reference stays one. */
export function canonicalText(raw: string, isCdata: boolean): string {
  const lines = raw.replace(/\r\n?/g, '\n')
  if (isCdata) return lines.replace(/[&<>]/g, (one) => textEscapes[one]!)
  const escaped = lines.replace(/>/g, '&gt;')
  return expand(escaped, (character) => textEscapes[character] ?? character)
}

/** XML 1.0 sections 2.11 and 3.3.3: line ends and tabs become spaces unless written as references. */
export function canonicalAttributeValue(raw: string): string {
  const spaced = raw.replace(/\r\n?|[\t\n]/g, ' ').replace(/"/g, '&quot;')
  return expand(spaced, (character) => valueEscapes[character] ?? character)
}

/** Undoes the escapes of canonical text or values, and decodes its UTF-8. */
export function decodeCanonical(canonical: string): string {
  const bytes = Buffer.from(canonical, 'latin1').toString('utf8')
  if (!bytes.includes('&')) return bytes
  return bytes.replace(anyReference, (_all, name, decimal, hexadecimal) =>
    name ? named[name]! : String.fromCodePoint(codeOf(decimal, hexadecimal)!),
  )
}
