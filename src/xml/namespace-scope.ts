import type { QualifiedName } from './name-table.ts'
import type { StreamAttribute } from './xml-stream.ts'

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

/** Namespace declarations in force, by prefix; the default namespace under ''. */
export class NamespaceScope {
  readonly #inForce = new Map<string, string>([['xml', xmlNamespace]])
  /** What declarations replaced, innermost last: prefix, value. */
  readonly #replaced: [string, string | undefined][] = []
  readonly #marks: number[] = []

  /** Undefined when nothing is declared; the default namespace may be ''. */
  get(prefix: string): string | undefined {
    return this.#inForce.get(prefix)
  }

  entries(): [string, string][] {
    return [...this.#inForce].filter(([prefix]) => prefix !== 'xml')
  }

  /**
   * Takes up the declarations of a start tag and checks its names against what is then in force.
   *
   * @returns what is wrong (Namespaces in XML 1.0, sections 3 to 6)
   */
  enter(
    name: QualifiedName,
    attributes: readonly StreamAttribute[],
    count: number,
  ): string | undefined {
    this.#marks.push(this.#replaced.length)
    let prefixed = 0
    for (let index = 0; index < count; index++) {
      const attribute = attributes[index]!
      const declared = declaredPrefix(attribute.name)
      if (declared !== undefined) {
        const problem = checkDeclaration(declared, attribute.value)
        if (problem) return problem
        this.#replaced.push([declared, this.#inForce.get(declared)])
        this.#inForce.set(declared, copied(attribute.value))
      } else if (attribute.name.prefix !== '') prefixed += 1
      for (let other = 0; other < index; other++) {
        if (attributes[other]!.name.name === attribute.name.name) {
          return `the attribute ${attribute.name.name} stands twice`
        }
      }
    }
    if (name.prefix !== '' && !this.#inForce.has(name.prefix)) {
      return `the prefix "${name.prefix}" is not declared`
    }
    return prefixed > 0 ? this.#checkPrefixed(attributes, count) : undefined
  }

  leave(): void {
    const mark = this.#marks.pop()!
    while (this.#replaced.length > mark) {
      const [prefix, value] = this.#replaced.pop()!
      if (value === undefined) this.#inForce.delete(prefix)
      else this.#inForce.set(prefix, value)
    }
  }

  #checkPrefixed(attributes: readonly StreamAttribute[], count: number): string | undefined {
    const seen: string[] = []
    for (let index = 0; index < count; index++) {
      const { name } = attributes[index]!
      if (name.prefix === '' || name.prefix === 'xmlns') continue
      const namespace = this.#inForce.get(name.prefix)
      if (namespace === undefined) return `the prefix "${name.prefix}" is not declared`
      const expanded = `${name.local} ${namespace}`
      if (seen.includes(expanded)) return `the attribute ${name.local} stands twice`
      seen.push(expanded)
    }
    return undefined
  }
}

/** The prefix that an attribute declares; undefined when it is no declaration. */
export function declaredPrefix(name: QualifiedName): string | undefined {
  if (name.prefix === 'xmlns') return name.local
  return name.name === 'xmlns' ? '' : undefined
}

function checkDeclaration(prefix: string, value: string): string | undefined {
  const isWrong =
    prefix === 'xmlns' ||
    value === xmlnsNamespace ||
    (prefix === 'xml') !== (value === xmlNamespace) ||
    (prefix !== '' && value === '')
  return isWrong
    ? `xmlns${prefix && ':'}${prefix}="${value.slice(0, 80)}" is not allowed`
    : undefined
}

/** A slice would keep the whole text in memory for as long as the declaration is in force. */
function copied(value: string): string {
  return Buffer.from(value, 'latin1').toString('latin1')
}
