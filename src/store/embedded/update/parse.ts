import { parsePipeline, type Stage } from '../aggregation/pipeline.ts'
import { entries, firstName, items, T, text, type Value } from '../bson/value.ts'
import { CommandError, unsupported } from '../errors.ts'
import { type Filter, parseFilter } from '../query/filter.ts'
import { updateOperators } from './operators.ts'

/** One operator on one path, e.g. $set of 'a.b'. */
export interface Change {
  operator: string
  path: string
  parts: string[]
  argument: Value
  /** $rename: where the value goes. */
  target?: string[]
}

export type Update =
  | { kind: 'replace'; document: Value }
  | { kind: 'change'; changes: Change[]; arrayFilters: Map<string, Filter> }
  | { kind: 'pipeline'; stages: Stage[] }

const pipelineStages = ['$addFields', '$set', '$project', '$unset', '$replaceRoot', '$replaceWith']

/** @throws {CommandError} FailedToParse, ConflictingUpdateOperators, CommandNotSupported */
export function parseUpdate(update: Value, arrayFilters: Value | undefined): Update {
  if (update.type === T.array) {
    for (const stage of items(update)) {
      const name = stage.type === T.object ? firstName(stage) : undefined
      if (!name || !pipelineStages.includes(name)) {
        throw new CommandError(
          'InvalidOptions',
          `${name} is not allowed to be used within an update`,
        )
      }
    }
    return { kind: 'pipeline', stages: parsePipeline(update) }
  }
  if (update.type !== T.object) {
    throw new CommandError('FailedToParse', 'Update argument must be either an object or an array')
  }
  const first = firstName(update)
  if (!first?.startsWith('$')) {
    for (const [name] of entries(update)) {
      if (name.startsWith('$')) {
        throw new CommandError(
          'DollarPrefixedFieldName',
          `The dollar ($) prefixed field '${name}' is not allowed in the context of a replacement`,
        )
      }
    }
    return { kind: 'replace', document: update }
  }
  const changes = parseChanges(update)
  return { kind: 'change', changes, arrayFilters: parseArrayFilters(arrayFilters, changes) }
}

function parseChanges(update: Value): Change[] {
  const changes: Change[] = []
  for (const [operator, fields] of entries(update)) {
    if (!Object.hasOwn(updateOperators, operator) && operator !== '$rename') {
      throw new CommandError(
        'FailedToParse',
        `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update`,
      )
    }
    if (fields.type !== T.object) {
      throw new CommandError(
        'FailedToParse',
        `Modifiers operate on fields but ${operator} has none`,
      )
    }
    for (const [path, argument] of entries(fields)) {
      const change: Change = { operator, path, parts: pathParts(path), argument }
      if (operator === '$rename') {
        if (argument.type !== T.string) {
          throw new CommandError('BadValue', `The 'to' field for $rename must be a string: ${path}`)
        }
        change.target = pathParts(text(argument))
        if ([...change.parts, ...change.target].some((part) => part.startsWith('$'))) {
          throw new CommandError('BadValue', `The fields of $rename may not be dynamic: ${path}`)
        }
      }
      changes.push(change)
    }
  }
  refuseConflicts(changes)
  // New fields are added in the order of their names, whatever operator makes them.
  return changes.sort((a, b) => comparePaths(a.parts, b.parts))
}

function pathParts(path: string): string[] {
  const parts = path.split('.')
  if (parts.some((part) => part === '')) {
    throw new CommandError(
      'EmptyFieldName',
      `The update path '${path}' contains an empty field name`,
    )
  }
  for (const [i, part] of parts.entries()) {
    if (!part.startsWith('$')) continue
    if (part !== '$' && !/^\$\[\w*\]$/.test(part)) {
      throw new CommandError(
        'DollarPrefixedFieldName',
        `The dollar ($) prefixed field '${part}' in '${path}' is not allowed`,
      )
    }
    if (i === 0) throw new CommandError('BadValue', `array update '${path}' starts with ${part}`)
  }
  return parts
}

function comparePaths(a: string[], b: string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (x === y) continue
    if (/^\d+$/.test(x) && /^\d+$/.test(y)) return Number(x) - Number(y)
    return x < y ? -1 : 1
  }
  return a.length - b.length
}

function refuseConflicts(changes: Change[]) {
  const paths = changes.flatMap(({ parts, target }) => (target ? [parts, target] : [parts]))
  const seen = new Set<string>()
  for (const parts of paths) {
    const path = parts.join('.')
    if (seen.has(path)) throw conflict(path)
    seen.add(path)
  }
  for (const parts of paths) {
    for (let length = 1; length < parts.length; length++) {
      const prefix = parts.slice(0, length).join('.')
      if (seen.has(prefix)) throw conflict(prefix)
    }
  }
}

function conflict(path: string): CommandError {
  return new CommandError(
    'ConflictingUpdateOperators',
    `Updating the path '${path}' would create a conflict at '${path}'`,
  )
}

/** arrayFilters by identifier; each filter names one, as its first path part. */
function parseArrayFilters(list: Value | undefined, changes: Change[]): Map<string, Filter> {
  const filters = new Map<string, Filter>()
  if (list && list.type !== T.array)
    throw new CommandError('TypeMismatch', 'arrayFilters: an array')
  for (const item of list ? items(list) : []) {
    if (item.type !== T.object) throw new CommandError('TypeMismatch', 'array filter: an object')
    const filter = parseFilter(item)
    const names = new Set<string>()
    collectIdentifiers(filter, names)
    const [name] = names
    if (names.size !== 1 || !name || !/^[a-z]\w*$/i.test(name)) {
      throw new CommandError('FailedToParse', 'an array filter must use exactly one identifier')
    }
    if (filters.has(name)) {
      throw new CommandError(
        'FailedToParse',
        `Found multiple array filters with identifier ${name}`,
      )
    }
    filters.set(name, filter)
  }
  const used = new Set(
    changes.flatMap(({ parts }) => parts.filter((part) => /^\$\[\w+\]$/.test(part))),
  )
  for (const part of used) {
    if (!filters.has(part.slice(2, -1))) {
      throw new CommandError('BadValue', `No array filter found for identifier '${part}'`)
    }
  }
  for (const name of filters.keys()) {
    if (!used.has(`$[${name}]`)) {
      throw new CommandError(
        'FailedToParse',
        `The array filter for identifier '${name}' was not used`,
      )
    }
  }
  return filters
}

function collectIdentifiers(filter: Filter, names: Set<string>) {
  if (filter.kind === 'field') names.add(filter.parts[0]!)
  else if (filter.kind === 'expression') throw unsupported('$expr in arrayFilters')
  else if (filter.kind !== 'always') for (const node of filter.list) collectIdentifiers(node, names)
}
