import { countValue, toNumber } from '../bson/numbers.ts'
import { entries, field, isNumber, items, T, text, type Value } from '../bson/value.ts'
import { arrayValue, objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { type Filter, type FilterOptions, parseFilter } from '../query/filter.ts'
import { matches } from '../query/match.ts'
import { parseAddFields, parseProjection, parseUnset } from '../query/projection.ts'
import { memoryLimit, parseSort, Sorter, type SortField, sortKey } from '../query/sort.ts'
import { evaluate, parseExpression } from './expression.ts'
import { parseGroup } from './group.ts'
import { parseLookup } from './lookup.ts'
import { parseUnwind } from './unwind.ts'

export interface PipelineContext {
  /** Documents of another collection of the same database, for $lookup and $unionWith. */
  collection(name: string, filter: Filter): Iterable<Value>
}

export interface Stage {
  name: string
  /** For the planner: a leading $match, $sort and $limit are done by the index. */
  filter?: Filter
  sort?: SortField[]
  count?: number
  run(input: Iterable<Value>, context: PipelineContext): Iterable<Value>
}

type StageParser = (argument: Value, options: FilterOptions) => Stage

const bad = (message: string) => new CommandError('BadValue', message)

/** @throws {CommandError} UnrecognizedPipelineStage, CommandNotSupported, BadValue */
export function parsePipeline(pipeline: Value, options: FilterOptions = {}): Stage[] {
  return items(pipeline).map((stage) => {
    const [only, second] = stage.type === T.object ? [...entries(stage)] : []
    if (!only || second) {
      throw bad('A pipeline stage specification object must contain exactly one field.')
    }
    const parse = Object.hasOwn(stageParsers, only[0]) ? stageParsers[only[0]] : undefined
    if (!parse) {
      throw new CommandError(
        'UnrecognizedPipelineStage',
        `Unrecognized pipeline stage name: '${only[0]}'`,
      )
    }
    return parse(only[1], options)
  })
}

const noCollections: PipelineContext = {
  collection() {
    throw bad('the pipeline of an update reads no other collection')
  },
}

export function runStages(
  stages: Stage[],
  input: Iterable<Value>,
  context: PipelineContext = noCollections,
): Iterable<Value> {
  let flow = input
  for (const stage of stages) flow = stage.run(flow, context)
  return flow
}

function* map(input: Iterable<Value>, change: (document: Value) => Value): Iterable<Value> {
  for (const document of input) yield change(document)
}

function mapping(name: string, change: (document: Value) => Value): Stage {
  return { name, run: (input) => map(input, change) }
}

export function needObject(name: string, value: Value): Value {
  if (value.type === T.object) return value
  throw bad(`${name} specification must be an object`)
}

function needCount(name: string, value: Value, least: number): number {
  const count = isNumber(value) ? toNumber(value) : Number.NaN
  if (Number.isInteger(count) && count >= least) return count
  throw bad(`invalid argument to ${name} stage: expected a whole number from ${least}`)
}

function* filtered(input: Iterable<Value>, filter: Filter): Iterable<Value> {
  for (const document of input) if (matches(filter, document)) yield document
}

function* skipped(input: Iterable<Value>, count: number): Iterable<Value> {
  let seen = 0
  for (const document of input) if (++seen > count) yield document
}

function* limited(input: Iterable<Value>, count: number): Iterable<Value> {
  let left = count
  for (const document of input) {
    yield document
    if (--left <= 0) return
  }
}

function* sorted(input: Iterable<Value>, sort: SortField[]): Iterable<Value> {
  const sorter = new Sorter<Value>()
  for (const document of input) sorter.push(sortKey(sort, document), document)
  yield* sorter.finish()
}

function replaceRoot(name: string, spec: Value | undefined): Stage {
  if (!spec) throw bad(`${name} needs newRoot`)
  const expression = parseExpression(spec)
  return mapping(name, (document) => {
    const value = evaluate(expression, document)
    if (value?.type === T.object) return value
    throw bad(`'newRoot' expression must evaluate to an object (${name})`)
  })
}

function counting(name: string): Stage {
  if (name === '' || name.startsWith('$') || name.includes('.')) throw bad('bad name for $count')
  return {
    name: '$count',
    *run(input) {
      let count = 0
      for (const _ of input) count++
      if (count > 0) yield objectValue([[name, countValue(count)]])
    },
  }
}

function parseFacet(argument: Value, options: FilterOptions): Stage {
  const facets = [...entries(needObject('$facet', argument))].map(([name, pipeline]) => {
    if (pipeline.type !== T.array) throw bad(`arguments to $facet must be arrays, ${name} is not`)
    return [name, parsePipeline(pipeline, options)] as const
  })
  return {
    name: '$facet',
    *run(input, context) {
      const documents: Value[] = []
      let bytes = 0
      for (const document of input) {
        documents.push(document)
        bytes += document.size + 50
        if (bytes > memoryLimit) {
          throw new CommandError(
            'QueryExceededMemoryLimitNoDiskUseAllowed',
            'Exceeded memory limit of 104857600 bytes for $facet',
          )
        }
      }
      yield objectValue(
        facets.map(
          ([name, stages]) => [name, arrayValue(runStages(stages, documents, context))] as const,
        ),
      )
    },
  }
}

function parseSortByCount(argument: Value): Stage {
  const group = parseGroup(
    objectValue([
      ['_id', argument],
      ['count', objectValue([['$sum', countValue(1)]])],
    ]),
  )
  const sort = parseSort(objectValue([['count', countValue(-1)]]))
  return { name: '$sortByCount', run: (input, context) => sorted(group.run(input, context), sort) }
}

function parseSample(argument: Value): Stage {
  const size = field(needObject('$sample', argument), 'size')
  const count = size ? needCount('$sample', size, 1) : 0
  if (!count) throw bad('$sample stage must specify a size')
  return {
    name: '$sample',
    *run(input) {
      // Reservoir sampling: each document has the same chance, `count` are held.
      const kept: Value[] = []
      let seen = 0
      for (const document of input) {
        seen++
        if (kept.length < count) kept.push(document)
        else {
          const place = Math.floor(Math.random() * seen)
          if (place < count) kept[place] = document
        }
      }
      yield* kept
    },
  }
}

function parseUnionWith(argument: Value, options: FilterOptions): Stage {
  const coll = argument.type === T.object ? field(argument, 'coll') : argument
  if (coll?.type !== T.string) throw bad('$unionWith needs the name of a collection')
  const pipeline = argument.type === T.object ? field(argument, 'pipeline') : undefined
  const stages = pipeline ? parsePipeline(pipeline, options) : []
  return {
    name: '$unionWith',
    *run(input, context) {
      yield* input
      yield* runStages(
        stages,
        context.collection(text(coll), { kind: 'always', matches: true }),
        context,
      )
    },
  }
}

function unsetPaths(argument: Value): string[] {
  const list = argument.type === T.array ? items(argument) : [argument]
  if (list.length === 0 || list.some((item) => item.type !== T.string)) {
    throw bad('$unset specification must be a string or an array of strings')
  }
  return list.map(text)
}

const stageParsers: Record<string, StageParser> = {
  $match: (argument, options) => {
    const filter = parseFilter(needObject('$match', argument), options)
    return { name: '$match', filter, run: (input) => filtered(input, filter) }
  },
  $project: (argument) =>
    mapping('$project', parseProjection(needObject('$project', argument), 'aggregate')!),
  $addFields: (argument) =>
    mapping('$addFields', parseAddFields(needObject('$addFields', argument))),
  $set: (argument) => mapping('$set', parseAddFields(needObject('$set', argument))),
  $unset: (argument) => mapping('$unset', parseUnset(unsetPaths(argument))),
  $group: (argument) => parseGroup(argument),
  $sort: (argument) => {
    const sort = parseSort(needObject('$sort', argument))
    if (sort.length === 0) throw bad('$sort stage must have at least one sort key')
    return { name: '$sort', sort, run: (input) => sorted(input, sort) }
  },
  $skip: (argument) => {
    const count = needCount('$skip', argument, 0)
    return { name: '$skip', count, run: (input) => skipped(input, count) }
  },
  $limit: (argument) => {
    const count = needCount('$limit', argument, 1)
    return { name: '$limit', count, run: (input) => limited(input, count) }
  },
  $unwind: parseUnwind,
  $count: (argument) => counting(argument.type === T.string ? text(argument) : ''),
  $facet: parseFacet,
  $lookup: parseLookup,
  $sortByCount: parseSortByCount,
  $replaceRoot: (argument) =>
    replaceRoot('$replaceRoot', field(needObject('$replaceRoot', argument), 'newRoot')),
  $replaceWith: (argument) => replaceRoot('$replaceWith', argument),
  $sample: parseSample,
  $unionWith: parseUnionWith,
}

export const stageNames = Object.keys(stageParsers)
