/** A name of an element or attribute, one object for all its occurrences. Latin-1, as XmlStream reads. */
export interface QualifiedName {
  readonly name: string
  /** Empty when there is none. */
  readonly prefix: string
  readonly local: string
  /** How an end tag begins: `</name`. */
  readonly close: string
}

const nameStart =
  'A-Za-z_\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u1FFF\\u3001-\\uD7FF'
const ncName = `[${nameStart}][${nameStart}0-9.\\-\\u00B7]*`
/** Namespaces in XML 1.0, production 7. The same characters as scanXml allows. */
const qualifiedName = new RegExp(`^${ncName}(?::${ncName})?$`)

/** Bytes a name may have, its colon included; those above 0x7F are checked once a name. */
const nameByte = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:') {
  nameByte[character.charCodeAt(0)] = 1
}
nameByte.fill(1, 0x80)

/** A power of two. A name that meets another in its place puts it out: strangers cannot make it grow. */
const slots = 4096

/** Names seen lately, found by their bytes without cutting a string out of the text. */
export class NameTable {
  readonly #slots: (QualifiedName | undefined)[] = new Array(slots).fill(undefined)

  /** Where the name that begins there ends. */
  end(text: string, from: number): number {
    let position = from
    while (position < text.length && nameByte[text.charCodeAt(position)] === 1) position++
    return position
  }

  /** @returns undefined for what is no name */
  get(text: string, from: number, to: number): QualifiedName | undefined {
    let hash = to - from
    for (let position = from; position < to; position++) {
      hash = (Math.imul(hash, 31) + text.charCodeAt(position)) | 0
    }
    const slot = (hash ^ (hash >>> 12)) & (slots - 1)
    const known = this.#slots[slot]
    if (known && known.name.length === to - from && text.startsWith(known.name, from)) return known
    const name = makeName(text.slice(from, to))
    if (name) this.#slots[slot] = name
    return name
  }
}

function makeName(latin1: string): QualifiedName | undefined {
  const bytes = Buffer.from(latin1, 'latin1')
  if (!qualifiedName.test(bytes.toString('utf8'))) return undefined
  // Out of a buffer: a slice of the text would keep the whole text in memory.
  const name = bytes.toString('latin1')
  const colon = name.indexOf(':')
  return {
    name,
    prefix: colon < 0 ? '' : name.slice(0, colon),
    local: colon < 0 ? name : name.slice(colon + 1),
    close: `</${name}`,
  }
}
