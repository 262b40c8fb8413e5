import { toNumber } from '../bson/numbers.ts'
import {
  boolValue,
  int32Value,
  isNumber,
  nullValue,
  regexParts,
  stringValue,
  T,
  text,
  type Value,
} from '../bson/value.ts'
import { arrayValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { compileRegex } from '../query/regex.ts'
import { isNullish, namedArguments, type Operator, parseArguments } from './operator.ts'

const many = Number.POSITIVE_INFINITY

function needText(name: string, value: Value | undefined): string {
  if (value?.type === T.string) return text(value)
  throw new CommandError('TypeMismatch', `${name} only supports strings`)
}

function mapping(name: string, map: (text: string) => Value, ofNull: Value): Operator {
  return (argument, parse) => {
    const [input] = parseArguments(name, argument, parse, 1)
    return (scope) => {
      const value = input!(scope)
      return isNullish(value) ? ofNull : map(needText(name, value))
    }
  }
}

const empty = stringValue('')

/** ASCII only, as $toLower and $toUpper of MongoDB. */
const lower = (value: string) => value.replace(/[A-Z]+/g, (run) => run.toLowerCase())
const upper = (value: string) => value.replace(/[a-z]+/g, (run) => run.toUpperCase())

function trimming(name: string, sides: 'both' | 'left' | 'right'): Operator {
  return (argument, parse) => {
    const named = namedArguments(name, argument, parse, ['input'], ['chars'])
    return (scope) => {
      const value = named.input!(scope)
      if (isNullish(value)) return nullValue
      const characters = [...needText(name, value)]
      const chars = named.chars ? new Set(needText(name, named.chars(scope))) : undefined
      const cut = (char: string) => (chars ? chars.has(char) : /[\s\0]/.test(char))
      let start = 0
      let end = characters.length
      if (sides !== 'right') while (start < end && cut(characters[start]!)) start++
      if (sides !== 'left') while (end > start && cut(characters[end - 1]!)) end--
      return stringValue(characters.slice(start, end).join(''))
    }
  }
}

export const stringOperators: Record<string, Operator> = {
  $concat: (argument, parse) => {
    const list = parseArguments('$concat', argument, parse, 0, many)
    return (scope) => {
      const values = list.map((item) => item(scope))
      if (values.some(isNullish)) return nullValue
      return stringValue(values.map((value) => needText('$concat', value)).join(''))
    }
  },
  $toLower: mapping('$toLower', (value) => stringValue(lower(value)), empty),
  $toUpper: mapping('$toUpper', (value) => stringValue(upper(value)), empty),
  $strLenCP: mapping('$strLenCP', (value) => int32Value([...value].length), nullValue),
  $strLenBytes: mapping('$strLenBytes', (value) => int32Value(Buffer.byteLength(value)), nullValue),
  $substrCP: (argument, parse) => {
    const [input, from, count] = parseArguments('$substrCP', argument, parse, 3)
    return (scope) => {
      const value = input!(scope)
      const start = from!(scope)
      const length = count!(scope)
      if (!isNumber(start) || !isNumber(length) || toNumber(start) < 0 || toNumber(length) < 0) {
        throw new CommandError('BadValue', '$substrCP needs numbers that are not negative')
      }
      if (isNullish(value)) return empty
      const characters = [...needText('$substrCP', value)]
      return stringValue(
        characters.slice(toNumber(start), toNumber(start) + toNumber(length)).join(''),
      )
    }
  },
  $split: (argument, parse) => {
    const [input, separator] = parseArguments('$split', argument, parse, 2)
    return (scope) => {
      const value = input!(scope)
      if (isNullish(value)) return nullValue
      const by = needText('$split', separator!(scope))
      if (by === '') throw new CommandError('BadValue', '$split requires a non-empty separator')
      return arrayValue(needText('$split', value).split(by).map(stringValue))
    }
  },
  $trim: trimming('$trim', 'both'),
  $ltrim: trimming('$ltrim', 'left'),
  $rtrim: trimming('$rtrim', 'right'),
  $regexMatch: (argument, parse) => {
    const named = namedArguments('$regexMatch', argument, parse, ['input', 'regex'], ['options'])
    return (scope) => {
      const value = named.input!(scope)
      const source = named.regex!(scope)
      if (isNullish(value) || !source || isNullish(source)) return boolValue(false)
      const options = named.options ? needText('$regexMatch', named.options(scope)) : ''
      const [pattern, flags] =
        source.type === T.regex ? regexParts(source) : [needText('$regexMatch', source), '']
      return boolValue(
        compileRegex(pattern, options || flags).regex.test(needText('$regexMatch', value)),
      )
    }
  },
}
