/**
 * Chooses how a query is answered: which index, which stretches of it, and what is left to check
 * on the documents. Rules, no statistics: equality on more fields of an index is better, then a
 * range, then the sort order; of equals, a probe of the index counts which stretch is shorter.
 */
import { T } from '../bson/value.ts'
import { type Collection, type Range, wholeRange } from '../storage/collection.ts'
import type { Index } from '../storage/index.ts'
import {
  type Bounds,
  boundBytes,
  boundsOf,
  descending,
  type Interval,
  intersect,
  normalise,
} from './bounds.ts'
import type { Filter, Test } from './filter.ts'
import { implies } from './implies.ts'
import type { SortField } from './sort.ts'

export interface Scan {
  /** Without one all documents are read in the order of insertion. */
  index?: Index
  ranges: Range[]
  reverse: boolean
}

export interface Plan {
  /** One, or one for each branch of an $or. */
  scans: Scan[]
  /** What documents must still be checked for; undefined when the index has said it all. */
  filter?: Filter
  /** A document can come up more than once (array index, $or). */
  repeats: boolean
  /** Documents come in the order asked for. */
  sorted: boolean
  /** One full key of a unique index: the quickest look-up there is. */
  key?: Buffer
}

/** A test on a path that every result must pass. `source` is the node it stands for. */
interface Conjunct {
  path: string
  test: Test
  /** undefined for one that is only implied ($elemMatch on a sub-field). */
  source?: Filter
}

interface Candidate {
  index: Index
  ranges: Range[]
  reverse: boolean
  sorted: boolean
  score: number
  used: Set<Filter>
  isUniqueKey: boolean
}

/** Stretches of one index in one query; a longer $in uses fewer fields of the index. */
const maxRanges = 10_000

export function planQuery(
  collection: Collection,
  filter: Filter,
  sort: SortField[] = [],
  hint?: Index | 'natural',
): Plan {
  const wholeScan: Scan = { ranges: [], reverse: false }
  if (filter.kind === 'always') {
    if (!filter.matches) return { scans: [], repeats: false, sorted: true }
    if (sort.length === 0 && !hint) {
      return { scans: [wholeScan], repeats: false, sorted: true }
    }
  }
  const nodes = filter.kind === 'and' ? filter.list : [filter]
  if (hint !== 'natural') {
    const conjuncts = conjunctsOf(nodes)
    const indexes = hint ? [hint] : collection.indexes
    const best = bestIndex(collection, indexes, filter, conjuncts, sort, hint !== undefined)
    const hasBounds = best && best.score > fullScanScore
    if (!hasBounds && !hint) {
      const union = planOr(collection, filter, nodes, sort)
      if (union) return union
    }
    if (best) return planOf(best, filter, nodes)
  }
  const plan: Plan = { scans: [wholeScan], repeats: false, sorted: sort.length === 0 }
  if (filter.kind !== 'always') plan.filter = filter
  return plan
}

function planOf(best: Candidate, filter: Filter, nodes: Filter[]): Plan {
  const rest = nodes.filter((node) => !best.used.has(node) && node.kind !== 'always')
  const plan: Plan = {
    scans: [{ index: best.index, ranges: best.ranges, reverse: best.reverse }],
    repeats: best.index.multikey !== 0,
    sorted: best.sorted,
  }
  if (rest.length > 0)
    plan.filter = rest.length === nodes.length ? filter : { kind: 'and', list: rest }
  if (best.isUniqueKey) plan.key = best.ranges[0]!.lo
  return plan
}

function conjunctsOf(nodes: Filter[]): Conjunct[] {
  const conjuncts: Conjunct[] = []
  for (const node of nodes) {
    if (node.kind === 'field') {
      conjuncts.push({ path: node.path, test: node.test, source: node })
      if (node.test.op === 'elemMatch' && node.test.filter) {
        const inner = node.test.filter
        for (const one of conjunctsOf(inner.kind === 'and' ? inner.list : [inner])) {
          conjuncts.push({ path: `${node.path}.${one.path}`, test: one.test })
        }
      }
    } else if (node.kind === 'and') {
      // Inside a nested $and the bounds help, but the node is checked as a whole.
      for (const one of conjunctsOf(node.list)) conjuncts.push({ path: one.path, test: one.test })
    }
  }
  return conjuncts
}

const fullScanScore = 2

function bestIndex(
  collection: Collection,
  indexes: Index[],
  filter: Filter,
  conjuncts: Conjunct[],
  sort: SortField[],
  isHinted: boolean,
): Candidate | undefined {
  let best: Candidate[] = []
  for (const index of indexes) {
    const candidate = candidateFor(index, filter, conjuncts, sort, isHinted)
    if (!candidate) continue
    if (candidate.isUniqueKey) return candidate
    const score = best[0]?.score ?? -1
    if (candidate.score > score) best = [candidate]
    else if (candidate.score === score) best.push(candidate)
  }
  if (best.length < 2) return best[0]
  const probes = best.map((candidate) => ({ candidate, entries: probe(collection, candidate) }))
  probes.sort((a, b) => a.entries - b.entries)
  return probes[0]!.candidate
}

/** How many entries a candidate would read, looked at up to a limit. */
function probe(collection: Collection, { index, ranges }: Candidate): number {
  const limit = 1000
  let count = 0
  for (const range of ranges.slice(0, 20)) {
    count += collection.countEntries(index, range, limit - count)
    if (count >= limit) break
  }
  return count
}

function candidateFor(
  index: Index,
  filter: Filter,
  conjuncts: Conjunct[],
  sort: SortField[],
  isHinted: boolean,
): Candidate | undefined {
  if (index.partialFilter && !implies(filter, index.partialFilter)) {
    return undefined
  }
  const used = new Set<Filter>()
  const components: Interval[][] = []
  let score = 0
  let hasArray = false
  let provesExistence = false
  let combinations = 1
  for (const [i, keyField] of index.fields.entries()) {
    const isArray = (index.multikey & (1 << i)) !== 0
    // Bounds on two components that come from one array need not be met by the same element.
    if (isArray && hasArray) break
    const found = componentBounds(keyField.path, conjuncts, isArray, index.sparse)
    if (!found || combinations * found.intervals.length > maxRanges) break
    hasArray ||= isArray
    combinations *= found.intervals.length
    provesExistence ||= found.provesExistence
    for (const node of found.used) used.add(node)
    const intervals = keyField.descending
      ? found.intervals.map(descending).reverse()
      : found.intervals
    components.push(intervals)
    const arePoints = intervals.every(({ isPoint }) => isPoint)
    score += intervals.length <= 1 && arePoints ? 10 : arePoints ? 8 : 5
    if (!arePoints) break
  }
  const hasExists = conjuncts.some(
    ({ path, test }) =>
      test.op === 'exists' && test.wanted && index.fields.some((one) => one.path === path),
  )
  if (index.sparse && !provesExistence && !hasExists && !isHinted) return undefined
  const order = sortedBy(index, components, sort)
  if (components.length === 0 && !order && !isHinted) return undefined
  if (sort.length > 0 && order) score += components.length === 0 ? fullScanScore : 3
  return {
    index,
    ranges: rangesOf(components),
    reverse: order?.reverse ?? false,
    sorted: sort.length === 0 || order !== undefined,
    score,
    used,
    isUniqueKey:
      index.unique &&
      components.length === index.fields.length &&
      combinations === 1 &&
      components.every(([only]) => only?.isPoint),
  }
}

function componentBounds(
  path: string,
  conjuncts: Conjunct[],
  isArray: boolean,
  isSparse: boolean,
): (Bounds & { used: Filter[]; provesExistence: boolean }) | undefined {
  if (!conjuncts.some((conjunct) => conjunct.path === path)) return undefined
  // a.0 may mean an element or a field named 0: the index holds only one reading.
  if (/(^|\.)\d+(\.|$)/.test(path)) return undefined
  const found = conjuncts
    .filter((conjunct) => conjunct.path === path)
    .map((conjunct) => ({ ...conjunct, bounds: boundsOf(conjunct.test) }))
    .filter((one): one is typeof one & { bounds: Bounds } => one.bounds !== undefined)
    .filter(({ test }) => !isSparse || !asksForNull(test))
  if (found.length === 0) return undefined
  // On an array each test may be met by another element, so only one of them bounds the scan.
  const isPoint = ({ bounds }: (typeof found)[0]) => bounds.intervals.every((one) => one.isPoint)
  const chosen = isArray ? [found.find(isPoint) ?? found[0]!] : found
  let intervals = chosen[0]!.bounds.intervals
  for (const { bounds } of chosen.slice(1)) intervals = intersect(intervals, bounds.intervals)
  return {
    intervals: normalise(intervals),
    exact: chosen.every(({ bounds }) => bounds.exact),
    used: chosen.flatMap(({ bounds, source }) => (bounds.exact && source ? [source] : [])),
    provesExistence: chosen.some(({ test }) => !asksForNull(test)),
  }
}

function asksForNull(test: Test): boolean {
  if (test.op === 'in') return test.values.some(({ type }) => type === T.null)
  return 'value' in test && test.value.type === T.null
}

/** Every combination of the components' stretches, as ranges of whole keys. */
function rangesOf(components: Interval[][]): Range[] {
  if (components.length === 0) return [wholeRange]
  let prefixes: Buffer[] = [Buffer.alloc(0)]
  for (const intervals of components.slice(0, -1)) {
    prefixes = prefixes.flatMap((prefix) =>
      intervals.map(({ lo }) => Buffer.concat([prefix, lo.key])),
    )
  }
  return prefixes.flatMap((prefix) =>
    components.at(-1)!.map(({ lo, hi }) => ({
      lo: prefix.length === 0 ? boundBytes(lo) : Buffer.concat([prefix, boundBytes(lo)]),
      hi: prefix.length === 0 ? boundBytes(hi) : Buffer.concat([prefix, boundBytes(hi)]),
    })),
  )
}

/** Whether reading the index in one direction gives the sort's order. */
function sortedBy(
  index: Index,
  components: Interval[][],
  sort: SortField[],
): { reverse: boolean } | undefined {
  // An array has several entries; which of them counts depends on the sort.
  if (sort.length === 0 || index.multikey !== 0) return undefined
  const isFixed = (i: number) => components[i]?.length === 1 && components[i]![0]!.isPoint
  const fixed = new Set(index.fields.filter((_, i) => isFixed(i)).map(({ path }) => path))
  let reverse: boolean | undefined
  let at = 0
  for (const { path, descending: isDescending } of sort) {
    if (fixed.has(path)) continue
    while (at < index.fields.length && isFixed(at)) at++
    const component = index.fields[at++]
    if (component?.path !== path) return undefined
    const isBackward = component.descending !== isDescending
    if (reverse !== undefined && reverse !== isBackward) return undefined
    reverse = isBackward
  }
  return { reverse: reverse ?? false }
}

/** A union of index scans when every branch of an $or has an index. */
function planOr(
  collection: Collection,
  filter: Filter,
  nodes: Filter[],
  sort: SortField[],
): Plan | undefined {
  for (const node of nodes) {
    if (node.kind !== 'or') continue
    const rest = nodes.filter((other) => other !== node)
    const scans: Scan[] = []
    for (const branch of node.list) {
      const parts = branch.kind === 'and' ? branch.list : [branch]
      const all: Filter = { kind: 'and', list: [...parts, ...rest] }
      const best = bestIndex(collection, collection.indexes, all, conjunctsOf(all.list), [], false)
      if (!best || best.score <= fullScanScore) break
      scans.push({ index: best.index, ranges: best.ranges, reverse: false })
    }
    if (scans.length === node.list.length) {
      return { scans, filter, repeats: true, sorted: sort.length === 0 }
    }
  }
  return undefined
}
