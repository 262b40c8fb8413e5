import { CommandError, unsupported } from '../errors.ts'

const bad = (message: string) => new CommandError('BadValue', message)

const cache = new Map<string, { regex: RegExp; prefix?: string }>()

/**
 * Translates the PCRE of a query into a JavaScript regular expression. What would mean something
 * else in JavaScript is either rewritten or refused.
 *
 * @returns the expression, and the literal text every match starts with when there is one (an
 *   index can be entered there)
 */
export function compileRegex(pattern: string, flags: string): { regex: RegExp; prefix?: string } {
  const key = `${flags}/${pattern}`
  const known = cache.get(key)
  if (known) return known
  let options = flags
  let body = pattern
  const inline = /^\(\?([imsx]+)\)/.exec(body)
  if (inline) {
    options += inline[1]
    body = body.slice(inline[0].length)
  }
  for (const flag of options) {
    if (flag === 'x') throw unsupported('the x (extended) option of $regex')
    if (!'imsu'.includes(flag)) throw bad(`invalid flag in regex options: ${flag}`)
  }
  const jsFlags = `u${[...new Set(options)].filter((flag) => 'ims'.includes(flag)).join('')}`
  let regex: RegExp
  try {
    regex = new RegExp(translate(body, options.includes('m')), jsFlags)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw bad(`Regular expression is invalid: ${(error as Error).message}`)
  }
  const literal = /^\^((?:[\p{L}\p{N} _@:/=,;!"%&'<>~`-]|\\[^\p{L}\p{N}])+)/u.exec(body)
  let prefix: string | undefined
  if (literal && !/[im]/.test(options) && !body.includes('|')) {
    let taken = literal[1]!
    // The last character may be optional: ^abc* starts with "ab" only.
    if (/^[*?{+]/.test(body.slice(literal[0].length))) {
      taken = taken.replace(/\\?.$/su, '')
    }
    if (taken) prefix = taken.replace(/\\(.)/gsu, '$1')
  }
  const compiled = prefix === undefined ? { regex } : { regex, prefix }
  if (cache.size > 500) cache.clear()
  cache.set(key, compiled)
  return compiled
}

const space = '\\t-\\r '

function translate(pattern: string, multiline: boolean): string {
  let out = ''
  let inClass = false
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '\\') {
      const next = pattern[++i]
      if (next === undefined) throw bad('Regular expression is invalid: \\ at end of pattern')
      // \p{L} is the same in both; PCRE's \x{3a9} is \u{3a9} here.
      const braced = /^[pPx]\{[\w=]+\}/.exec(pattern.slice(i))?.[0]
      out += braced ? `\\${braced.replace(/^x/, 'u')}` : escaped(next, inClass)
      if (braced) i += braced.length - 1
    } else if (inClass) {
      if (char === '[' && /[:.=]/.test(pattern[i + 1] ?? '')) {
        throw unsupported('a POSIX class in $regex')
      }
      if (char === ']') inClass = false
      out += char === '[' ? '\\[' : char
    } else if (char === '[') {
      inClass = true
      out += char
      if (pattern[i + 1] === '^') out += pattern[++i]
      // A ] right after [ is a plain character in PCRE.
      if (pattern[i + 1] === ']') {
        out += '\\]'
        i++
      }
    } else if (char === '$' && !multiline) {
      // PCRE: the end, or before a newline that ends the text.
      out += '(?=\\n?(?![\\s\\S]))'
    } else if (char === '{') {
      // Only a complete quantifier is one; any other brace is a plain character in PCRE.
      const quantifier = /^\{\d+(,\d*)?\}/.exec(pattern.slice(i))?.[0]
      out += quantifier ?? '\\{'
      i += (quantifier ?? char).length - 1
    } else if (char === ']' || char === '}') {
      out += `\\${char}`
    } else if (char === '(' && /^\(\?[#&+|RC\d]|^\(\*/.test(pattern.slice(i))) {
      throw unsupported(`"${pattern.slice(i, i + 3)}" in $regex`)
    } else {
      out += char
    }
  }
  return out
}

function escaped(char: string, inClass: boolean): string {
  if (char === 's') return inClass ? space : `[${space}]`
  if (char === 'S' && !inClass) return `[^${space}]`
  if (!inClass) {
    if (char === 'A') return '(?<![\\s\\S])'
    if (char === 'z') return '(?![\\s\\S])'
    if (char === 'Z') return '(?=\\n?(?![\\s\\S]))'
  }
  if (/[dDwWbBtnrfv0-9x]/.test(char)) return `\\${char}`
  if (/[A-Za-z]/.test(char)) throw unsupported(`"\\${char}" in $regex`)
  if (/[\^$\\.*+?()[\]{}|/]/.test(char) || (inClass && char === '-')) return `\\${char}`
  return char
}
