import { parsePipeline } from '../aggregation/pipeline.ts'
import { entries, field, items, T, text, type Value } from '../bson/value.ts'
import type { BsonWriter } from '../bson/writer.ts'
import { CommandError, unsupported } from '../errors.ts'
import { Execution } from '../query/execute.ts'
import { parseFilter } from '../query/filter.ts'
import type { Plan, Scan } from '../query/planner.ts'
import { parseSort } from '../query/sort.ts'
import type { Collection } from '../storage/collection.ts'
import { leadingQuery } from './aggregate.ts'
import {
  arrayField,
  type Command,
  collectionName,
  filterOf,
  findCollection,
  hintOf,
  objectField,
  type Request,
} from './context.ts'
import { findQuery, letVariables, planOf, type Query, runQuery } from './read.ts'

/** The query inside the command that is explained. */
function queryOf(request: Request, collection: Collection | undefined): Query {
  const plain = { sort: [], skip: 0, limit: 0 }
  switch (request.name) {
    case 'find':
      return findQuery(request, collection)
    case 'count':
    case 'distinct': {
      const hint = hintOf(collection, request.fields.get('hint'))
      return { ...plain, filter: filterOf(objectField(request, 'query')), hint }
    }
    case 'aggregate': {
      const pipeline = arrayField(request, 'pipeline')
      if (!pipeline) throw new CommandError('TypeMismatch', "'pipeline' must be an array")
      const { query } = leadingQuery(parsePipeline(pipeline, letVariables(request)))
      return { ...query, hint: hintOf(collection, request.fields.get('hint')) }
    }
    case 'findAndModify':
      return {
        ...plain,
        filter: filterOf(objectField(request, 'query')),
        sort: parseSort(objectField(request, 'sort')),
        limit: 1,
      }
    case 'update':
    case 'delete': {
      const name = request.name === 'update' ? 'updates' : 'deletes'
      const [statement] = items(arrayField(request, name) ?? missing(name))
      return { ...plain, filter: parseFilter(field(statement ?? missing(name), 'q')!) }
    }
    default:
      throw unsupported(`explain of ${request.name}`)
  }
}

function missing(name: string): never {
  throw new CommandError('FailedToParse', `explain needs ${name}`)
}

function writeScan(scan: Scan, plan: Plan, reply: BsonWriter) {
  const { index } = scan
  if (!index) {
    reply.string('stage', 'COLLSCAN')
    reply.string('direction', scan.reverse ? 'backward' : 'forward')
    return
  }
  reply.string('stage', 'FETCH')
  reply.bool('hasResidualFilter', plan.filter !== undefined)
  const input = reply.object('inputStage')
  reply.string('stage', plan.key && index.isId ? 'IDHACK' : 'IXSCAN')
  reply.string('indexName', index.name)
  reply.value('keyPattern', index.keyPattern)
  reply.bool('isUnique', index.unique)
  reply.bool('isMultiKey', index.multikey !== 0)
  reply.string('direction', scan.reverse ? 'backward' : 'forward')
  reply.int32('ranges', scan.ranges.length)
  reply.close(input)
}

function writePlan(plan: Plan, reply: BsonWriter) {
  if (!plan.sorted) {
    reply.string('stage', 'SORT')
    const input = reply.object('inputStage')
    writePlan({ ...plan, sorted: true }, reply)
    reply.close(input)
  } else if (plan.scans.length === 1) {
    writeScan(plan.scans[0]!, plan, reply)
  } else if (plan.scans.length === 0) {
    reply.string('stage', 'EOF')
  } else {
    reply.string('stage', 'OR')
    const inputs = reply.array('inputStages')
    for (const [i, scan] of plan.scans.entries()) {
      const input = reply.object(i)
      writeScan(scan, plan, reply)
      reply.close(input)
    }
    reply.close(inputs)
  }
}

function inner(request: Request): Request {
  const body: Value | undefined = request.fields.get('explain')
  if (body?.type !== T.object) throw new CommandError('TypeMismatch', 'explain needs a command')
  const fields = new Map(entries(body))
  const [name = ''] = fields.keys()
  return { ...request, name, body, fields }
}

export const explain: Command = {
  writes: false,
  fields: ['verbosity'],
  run(outer, reply) {
    const request = inner(outer)
    const collection = findCollection(request)
    const query = queryOf(request, collection)
    const verbosity = outer.fields.get('verbosity')
    const runs = !(verbosity?.type === T.string && text(verbosity) === 'queryPlanner')
    const plan = collection && planOf(collection, query)
    const planner = reply.object('queryPlanner')
    reply.string('namespace', `${request.database}.${collectionName(request)}`)
    const winner = reply.object('winningPlan')
    if (plan) writePlan(plan, reply)
    else reply.string('stage', 'EOF')
    reply.close(winner)
    reply.close(reply.array('rejectedPlans'))
    reply.close(planner)
    if (!runs || !plan) return
    const execution = new Execution(collection, plan)
    const start = performance.now()
    let returned = 0
    const { documents, sources } = runQuery(collection, query, execution)
    try {
      while (!documents.next().done) returned++
    } finally {
      for (const source of sources) source.pause()
    }
    const stats = reply.object('executionStats')
    reply.bool('executionSuccess', true)
    reply.int32('nReturned', returned)
    reply.int32('executionTimeMillis', Math.round(performance.now() - start))
    reply.int32('totalKeysExamined', execution.keysExamined)
    reply.int32('totalDocsExamined', execution.documentsExamined)
    reply.close(stats)
  },
}
