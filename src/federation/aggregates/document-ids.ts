import type { XmlStream } from '../../xml/xml-stream.ts'
import { decodeCanonical } from '../../xml/xml-text.ts'
import { invalid } from './aggregate-problems.ts'

const maxIds = 1_000_000

/**
 * The IDs of a document: none may stand twice, or a signature could be about one element and be read
 * as being about another.
 */
export class DocumentIds {
  /** The ID that the signature is about; known from the first start tag on. */
  root = ''
  readonly #seen = new Set<string>()

  /**
   * At each start tag: the attributes that the schemas type as xs:ID. A signature's Reference could
   * mean any of them.
   *
   * @throws {IdpError} METADATA_INVALID
   */
  note(stream: XmlStream): void {
    for (let index = 0; index < stream.attributeCount; index++) {
      const { name, value } = stream.attributes[index]!
      if (
        name.name !== 'ID' &&
        name.name !== 'Id' &&
        name.name !== 'xml:id' &&
        name.name !== 'id'
      ) {
        continue
      }
      const id = decodeCanonical(value)
      if (name.name === 'id' && id !== this.root) continue
      if (this.#seen.has(id)) throw invalid(`the ID "${id.slice(0, 80)}" stands twice`)
      if (this.#seen.size >= maxIds) throw invalid(`more than ${maxIds} IDs`)
      this.#seen.add(id)
    }
  }
}
