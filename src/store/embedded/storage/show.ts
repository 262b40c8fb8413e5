import { decimalText, toBigInt, toNumber } from '../bson/numbers.ts'
import { dateMs, entries, items, T, text, truthy, typeNames, type Value } from '../bson/value.ts'

/** A value as MongoDB prints it in messages such as "dup key: { email: "a@b" }". */
export function show(value: Value): string {
  switch (value.type) {
    case T.string:
      return JSON.stringify(text(value))
    case T.int32:
    case T.int64:
      return String(toBigInt(value))
    case T.double:
      return Number.isInteger(toNumber(value))
        ? toNumber(value).toFixed(1)
        : String(toNumber(value))
    case T.decimal:
      return decimalText(value)
    case T.bool:
      return String(truthy(value))
    case T.null:
      return 'null'
    case T.objectId:
      return `ObjectId('${value.bytes.toString('hex', value.start, value.end)}')`
    case T.date:
      return `new Date(${dateMs(value)})`
    case T.binary:
      return `BinData(${value.bytes[value.start + 4]}, ${value.bytes.toString('hex', value.start + 5, value.end).toUpperCase()})`
    case T.object:
      return `{ ${[...entries(value)].map(([name, item]) => `${name}: ${show(item)}`).join(', ')} }`
    case T.array:
      return `[ ${items(value).map(show).join(', ')} ]`
    default:
      return typeNames[value.type] ?? 'value'
  }
}
