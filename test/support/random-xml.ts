/**
 * Random XML elements at their oddest: prefixes declared again and again, attributes in any order,
 * references, CDATA, comments, line ends, several scripts. For comparing canonical forms.
 */
export function randomXml(
  random: (below: number) => number,
  namespaces: readonly string[] = ['urn:one', 'urn:two', 'urn:α'],
): string {
  const one = <T>(list: readonly T[]): T => list[random(list.length)]!
  const prefixes = ['', 'a', 'b', 'md', 'z']
  const texts = ['x', ' ', '\n', '\t', '\r\n', '\r', 'Ωμέγα', '𝄞', '&amp;', '&lt;', '&gt;', '>']
  texts.push('&#13;', '&#x9;', '&#xA;', '&#x3b1;', '&quot;', "'", '"', '&#x1D11E;', '&apos;', 'x]')
  const content = () => Array.from({ length: random(4) }, () => one(texts)).join('')
  const valueIn = (quote: string) =>
    Array.from({ length: random(4) }, () => one(texts))
      .join('')
      .replaceAll(quote, '')
  const element = (depth: number, scope: readonly string[]): string => {
    const declared = prefixes.filter(() => random(5) === 0)
    const inScope = [...new Set([...scope, ...declared])]
    const usable = ['', ...inScope.filter(Boolean)]
    const parts = declared.map((prefix) => {
      const value = prefix === '' && random(3) === 0 ? '' : one(namespaces)
      return `xmlns${prefix && ':'}${prefix}="${value}"`
    })
    const seen = new Set<string>()
    for (let count = random(4); count > 0; count--) {
      const local = one(['b', 'a', 'Zz', 'é', 'xyz'])
      // One prefix a local name: two prefixes may stand for one namespace.
      if (seen.has(local)) continue
      seen.add(local)
      const prefix = one(usable)
      const quote = one(['"', "'"])
      parts.push(
        `${prefix}${prefix && ':'}${local}${one(['=', ' = '])}${quote}${valueIn(quote)}${quote}`,
      )
    }
    if (random(8) === 0) parts.push('xml:lang="el"')
    parts.sort(() => random(3) - 1)
    const prefix = one(usable)
    const name = `${prefix}${prefix && ':'}${one(['e', 'f', 'ñ'])}`
    const start = `<${name}${parts.map((part) => `${one([' ', '\n', '  '])}${part}`).join('')}`
    const children: string[] = []
    for (let count = depth > 0 ? random(5) : 0; count > 0; count--) {
      const kind = random(6)
      if (kind === 0) children.push(`<!--${one(['c', ' & < > ', '<x>'])}-->`)
      else if (kind === 1) children.push(`<![CDATA[${one(['<&>', 'x]', '\r\n', ''])}]]>`)
      else if (kind === 2) children.push(content())
      else children.push(element(depth - 1, inScope))
    }
    return children.length === 0 && random(2) === 0
      ? `${start}${one(['', ' '])}/>`
      : `${start}>${children.join('')}</${name}${one(['', ' ', '\n'])}>`
  }
  return element(5, [])
}
