import { entries, field, items, nullValue, T, text, type Value } from '../bson/value.ts'
import { arrayValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import type { Filter, FilterOptions } from '../query/filter.ts'
import { reach } from '../query/match.ts'
import { parsePipeline, runStages, type Stage } from './pipeline.ts'
import { replaceAt } from './unwind.ts'

/**
 * $lookup by equality (localField, foreignField), with an optional pipeline on what was found.
 * The foreign field is looked up like any filter, so an index on it is used. `let` is refused.
 */
export function parseLookup(argument: Value, options: FilterOptions): Stage {
  const names = new Map(argument.type === T.object ? entries(argument) : [])
  const take = (name: string) => {
    const value = names.get(name)
    if (value?.type !== T.string) throw new CommandError('BadValue', `$lookup needs ${name}`)
    return text(value)
  }
  for (const name of names.keys()) {
    if (!['from', 'localField', 'foreignField', 'as', 'pipeline'].includes(name)) {
      throw new CommandError('CommandNotSupported', `the embedded store has no $lookup ${name}`)
    }
  }
  const [from, as] = [take('from'), take('as').split('.')]
  const [localParts, foreign] = [take('localField').split('.'), take('foreignField')]
  const pipeline = names.get('pipeline')
  const stages = pipeline ? parsePipeline(pipeline, options) : []
  return {
    name: '$lookup',
    *run(input, context) {
      for (const document of input) {
        const filter = equalToAny(foreign, localValues(document, localParts))
        const found = arrayValue(runStages(stages, context.collection(from, filter), context))
        yield replaceAt(document, as, found)
      }
    },
  }
}

/** What the local path reaches; nothing counts as null, an array as each of its elements. */
function localValues(document: Value, parts: string[]): Value[] {
  const values: Value[] = []
  reach(document, parts, 0, (value) => {
    if (value?.type === T.array) values.push(...items(value))
    else values.push(value ?? nullValue)
    return false
  })
  return values.length > 0 || field(document, parts[0]!) ? values : [nullValue]
}

function equalToAny(path: string, values: Value[]): Filter {
  const comparable = values.filter(({ type }) => type !== T.undefined)
  return {
    kind: 'field',
    path,
    parts: path.split('.'),
    test: { op: 'in', values: comparable, regexes: [] },
  }
}
