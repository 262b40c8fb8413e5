import { keyText } from '../bson/key.ts'
import { entries, field, nullValue, type Value } from '../bson/value.ts'
import { objectValue } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { memoryLimit } from '../query/sort.ts'
import { parseAccumulator } from './accumulators.ts'
import { evaluate, parseExpression } from './expression.ts'
import { needObject, type Stage } from './pipeline.ts'

/** $group, in memory up to the limit. */
export function parseGroup(argument: Value): Stage {
  const idSpec = field(needObject('$group', argument), '_id')
  if (!idSpec) throw new CommandError('BadValue', 'a group specification must include an _id')
  const id = parseExpression(idSpec)
  const fields = [...entries(argument)]
    .filter(([name]) => name !== '_id')
    .map(([name, spec]) => parseAccumulator(name, spec))
  return {
    name: '$group',
    *run(input) {
      const groups = new Map<
        string,
        { id: Value; fields: ReturnType<(typeof fields)[0]['start']>[] }
      >()
      let bytes = 0
      for (const document of input) {
        const value = evaluate(id, document) ?? nullValue
        const key = keyText(value)
        let group = groups.get(key)
        if (!group) {
          group = { id: value, fields: fields.map(({ start }) => start()) }
          groups.set(key, group)
          bytes += key.length + value.size + 100
        }
        for (const [i, { expression }] of fields.entries()) {
          const accumulator = group.fields[i]!
          bytes -= accumulator.size
          accumulator.add(evaluate(expression, document))
          bytes += accumulator.size
        }
        if (bytes > memoryLimit) {
          throw new CommandError(
            'QueryExceededMemoryLimitNoDiskUseAllowed',
            'Exceeded memory limit of 104857600 bytes for $group',
          )
        }
      }
      for (const group of groups.values()) {
        yield objectValue([
          ['_id', group.id],
          ...fields.map(({ name }, i) => [name, group.fields[i]!.result()] as const),
        ])
      }
    },
  }
}
