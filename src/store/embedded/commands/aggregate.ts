import {
  type PipelineContext,
  parsePipeline,
  runStages,
  type Stage,
} from '../aggregation/pipeline.ts'
import { countValue, toNumber } from '../bson/numbers.ts'
import { entries, field, items, T, type Value } from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { firstBatchSize, type Results, Source } from '../cursors.ts'
import { CommandError, unsupported } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import type { Filter } from '../query/filter.ts'
import { planQuery } from '../query/planner.ts'
import type { SortField } from '../query/sort.ts'
import type { Collection } from '../storage/collection.ts'
import {
  arrayField,
  type Command,
  checkCollation,
  collectionName,
  findCollection,
  flagField,
  hintOf,
  objectField,
  type Request,
} from './context.ts'
import { countMatching } from './count.ts'
import { letVariables, noResults, type Query, runQuery, writeFirstBatch } from './read.ts'

/** What the planner can do of the start of a pipeline: $match, then $sort, then $limit. */
export function leadingQuery(stages: Stage[]): { query: Query; rest: Stage[] } {
  const filters: Filter[] = []
  let rest = stages
  while (rest[0]?.filter) {
    filters.push(rest[0].filter)
    rest = rest.slice(1)
  }
  let sort: SortField[] = []
  if (rest[0]?.sort) {
    sort = rest[0].sort
    rest = rest.slice(1)
  }
  let limit = 0
  let skip = 0
  if (rest[0]?.name === '$skip') {
    skip = rest[0].count!
    rest = rest.slice(1)
  }
  if (rest[0]?.name === '$limit') {
    limit = rest[0].count!
    rest = rest.slice(1)
  }
  const filter: Filter =
    filters.length === 0
      ? { kind: 'always', matches: true }
      : filters.length === 1
        ? filters[0]!
        : { kind: 'and', list: filters.flatMap((one) => (one.kind === 'and' ? one.list : [one])) }
  return { query: { filter, sort, skip, limit }, rest }
}

/** `[$match, $group {_id: constant, n: {$sum: 1}}]`: how drivers spell countDocuments. */
function countedField(pipeline: Value): { id: Value; name: string } | undefined {
  const list = items(pipeline)
  if (list.length === 0 || list.length > 2) return undefined
  if (list.length === 2 && !field(list[0]!, '$match')) return undefined
  const group = field(list.at(-1)!, '$group')
  if (group?.type !== T.object) return undefined
  const [id, total, more] = [...entries(group)]
  if (id?.[0] !== '_id' || !total || more || id[1].type !== T.int32) return undefined
  const sum = total[1].type === T.object ? field(total[1], '$sum') : undefined
  return sum?.type === T.int32 && toNumber(sum) === 1 ? { id: id[1], name: total[0] } : undefined
}

function aggregateResults(request: Request, collection: Collection | undefined): Results {
  checkCollation(request.fields.get('collation'))
  const pipeline = arrayField(request, 'pipeline')
  if (!pipeline) throw new CommandError('TypeMismatch', "'pipeline' option must be an array")
  const options = letVariables(request)
  const { query, rest } = leadingQuery(parsePipeline(pipeline, options))
  query.hint = hintOf(collection, request.fields.get('hint'))
  const counted = countedField(pipeline)
  if (counted) {
    const total = collection ? countMatching(collection, query) : 0
    const result = objectValue([
      ['_id', counted.id],
      [counted.name, countValue(total)],
    ])
    return { documents: (total > 0 ? [result] : []).values(), sources: [] }
  }
  const results = collection ? runQuery(collection, query) : { ...noResults, sources: [] }
  const context: PipelineContext = {
    collection(name, filter) {
      const other = request.server.catalog.get(request.database, name)
      if (!other) return []
      const source = new Source(new Execution(other, planQuery(other, filter)))
      // Only a source that may be left half read ($unionWith) must be let go between answers.
      if (filter.kind === 'always') results.sources.push(source)
      return source
    },
  }
  const documents = { [Symbol.iterator]: () => results.documents }
  const flow = runStages(rest, documents, context)
  return { documents: flow[Symbol.iterator](), sources: results.sources }
}

export const aggregate: Command = {
  writes: false,
  fields: [
    'pipeline',
    'cursor',
    'allowDiskUse',
    'collation',
    'hint',
    'let',
    'explain',
    'bypassDocumentValidation',
  ],
  run(request, reply) {
    if (request.fields.get('aggregate')?.type !== T.string) {
      throw unsupported('aggregate on a whole database')
    }
    if (flagField(request, 'explain')) throw unsupported('aggregate with explain: use explain')
    const options = objectField(request, 'cursor')
    const batchSize = options && field(options, 'batchSize')
    const size = batchSize ? toNumber(batchSize) : firstBatchSize
    const results = aggregateResults(request, findCollection(request))
    const namespace = `${request.database}.${collectionName(request)}`
    writeFirstBatch(request, namespace, results, size, false, reply)
  },
}
