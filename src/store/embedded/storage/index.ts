import { compareValues } from '../bson/compare.ts'
import { toNumber } from '../bson/numbers.ts'
import {
  entries,
  field,
  int32Value,
  isNumber,
  stringValue,
  T,
  text,
  truthy,
  type Value,
} from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError, unsupported } from '../errors.ts'
import { type Filter, parseFilter } from '../query/filter.ts'
import type { KeyField, KeyShape } from './index-keys.ts'

/** An index as the catalog knows it. Its entries are rows (key, document) of `table`. */
export class Index implements KeyShape {
  readonly id: number
  /** As listIndexes shows it. */
  readonly spec: Value
  readonly name: string
  readonly keyPattern: Value
  readonly fields: KeyField[]
  readonly unique: boolean
  readonly sparse: boolean
  readonly partialFilter: Filter | undefined
  readonly expireAfterSeconds: number | undefined
  /** Bit i: some document has an array on the path of component i. Never cleared. */
  multikey: number

  constructor(id: number, spec: Value, multikey: number) {
    this.id = id
    this.spec = spec
    this.multikey = multikey
    this.name = text(field(spec, 'name')!)
    this.keyPattern = field(spec, 'key')!
    this.fields = [...entries(this.keyPattern)].map(([path, direction]) => ({
      path,
      parts: path.split('.'),
      descending: toNumber(direction) < 0,
    }))
    this.unique = this.name === '_id_' || truthy(field(spec, 'unique'))
    this.sparse = truthy(field(spec, 'sparse'))
    const partial = field(spec, 'partialFilterExpression')
    this.partialFilter = partial && parseFilter(partial)
    const expiry = field(spec, 'expireAfterSeconds')
    this.expireAfterSeconds = expiry && toNumber(expiry)
  }

  get table() {
    return `index_${this.id}`
  }

  get isId() {
    return this.name === '_id_'
  }
}

/** Options that change nothing here, or only how MongoDB builds an index. */
const ignored = ['v', 'ns', 'background', 'clustered', 'prepareUnique', 'commitQuorum']
const kept = ['unique', 'sparse', 'expireAfterSeconds', 'partialFilterExpression', 'hidden']

/**
 * Checks what createIndexes asks for and writes it in one form.
 *
 * @throws {CommandError} CannotCreateIndex, CommandNotSupported (text, hashed, 2dsphere, wildcard,
 *   collation)
 */
export function normaliseSpec(spec: Value): Value {
  if (spec.type !== T.object) throw new CommandError('TypeMismatch', 'an index is an object')
  const key = field(spec, 'key')
  if (key?.type !== T.object) throw new CommandError('CannotCreateIndex', 'an index needs a key')
  const names: string[] = []
  for (const [path, direction] of entries(key)) {
    if (!isNumber(direction)) throw unsupported(`index type ${nameOf(direction)} on '${path}'`)
    const number = toNumber(direction)
    if (number === 0 || Number.isNaN(number)) {
      throw new CommandError('CannotCreateIndex', `index direction of '${path}' must not be 0`)
    }
    if (path.includes('$**')) throw unsupported('wildcard indexes')
    if (path.split('.').some((part) => part === '' || part.startsWith('$'))) {
      throw new CommandError('CannotCreateIndex', `invalid index path '${path}'`)
    }
    names.push(path, String(number))
  }
  if (names.length === 0 || names.length > 62) {
    throw new CommandError('CannotCreateIndex', 'an index has from 1 to 31 fields')
  }
  const result: [string, Value][] = []
  for (const [name, value] of entries(spec)) {
    if (name === 'key' || name === 'name' || ignored.includes(name)) continue
    if (name === 'collation') {
      const locale = value.type === T.object ? field(value, 'locale') : undefined
      if (locale?.type === T.string && text(locale) === 'simple') continue
      throw unsupported('index collation')
    }
    if (!kept.includes(name)) throw unsupported(`index option ${name}`)
    if (name === 'expireAfterSeconds') checkExpiry(value, names.length / 2)
    if (name === 'partialFilterExpression') checkPartial(value)
    // {unique: false} is the same index as one that does not say.
    if (['unique', 'sparse', 'hidden'].includes(name) && !truthy(value)) continue
    result.push([name, value])
  }
  const name = field(spec, 'name')
  if (name && name.type !== T.string) throw new CommandError('TypeMismatch', 'index name: a string')
  if (field(spec, 'sparse') && field(spec, 'partialFilterExpression')) {
    throw new CommandError('CannotCreateIndex', 'cannot mix sparse and partialFilterExpression')
  }
  return objectValue([
    ['v', int32Value(2)],
    ['key', key],
    ['name', name ?? stringValue(names.join('_'))],
    ...result.sort(([a], [b]) => (a < b ? -1 : 1)),
  ])
}

function nameOf(value: Value): string {
  return value.type === T.string ? `"${text(value)}"` : 'of that kind'
}

function checkExpiry(value: Value, fieldCount: number) {
  const seconds = isNumber(value) ? toNumber(value) : Number.NaN
  if (!(seconds >= 0 && seconds <= 2147483647)) {
    throw new CommandError('CannotCreateIndex', 'expireAfterSeconds must be from 0 to 2147483647')
  }
  if (fieldCount !== 1) {
    throw new CommandError('CannotCreateIndex', 'TTL indexes are single-field indexes')
  }
}

const partialTests = ['eq', 'gt', 'gte', 'lt', 'lte', 'in', 'type', 'exists']

/** What MongoDB allows in a partial index; the planner must be able to reason about it. */
function checkPartial(value: Value) {
  if (value.type !== T.object) {
    throw new CommandError('CannotCreateIndex', 'partialFilterExpression must be an object')
  }
  const check = (filter: Filter): boolean => {
    switch (filter.kind) {
      case 'field':
        return (
          partialTests.includes(filter.test.op) &&
          !(filter.test.op === 'exists' && !filter.test.wanted)
        )
      case 'and':
      case 'or':
        return filter.list.every(check)
      default:
        return filter.kind === 'always'
    }
  }
  if (!check(parseFilter(value))) {
    throw new CommandError('CannotCreateIndex', 'unsupported expression in partial index')
  }
}

/** The same key pattern: same paths in the same order and directions. */
export function sameKey(a: Value, b: Value): boolean {
  return compareValues(a, b) === 0
}
