import { toNumber } from '../bson/numbers.ts'
import {
  dateMs,
  dateValue,
  int32Value,
  isNumber,
  nullValue,
  stringValue,
  T,
  text,
  type Value,
} from '../bson/value.ts'
import { CommandError } from '../errors.ts'
import {
  type DateParts,
  type DateUnit,
  dayOfYear,
  formatDate,
  isoWeek,
  partsOf,
  truncateDate,
  weekday,
} from './dates.ts'
import {
  type Expression,
  isNullish,
  namedArguments,
  type Operator,
  parseArguments,
  type Scope,
} from './operator.ts'

function moment(name: string, value: Value): number {
  if (value.type === T.date) return dateMs(value)
  if (value.type === T.objectId) return value.bytes.readUInt32BE(value.start) * 1000
  if (value.type === T.timestamp) return value.bytes.readUInt32LE(value.start + 4) * 1000
  throw new CommandError('TypeMismatch', `${name} can't convert its input to Date`)
}

function textOf(name: string, expression: Expression | undefined, scope: Scope, fallback: string) {
  if (!expression) return fallback
  const value = expression(scope)
  if (value?.type !== T.string) throw new CommandError('TypeMismatch', `${name} needs a string`)
  return text(value)
}

function part(name: string, pick: (parts: DateParts) => number): Operator {
  return (argument, parse) => {
    const isNamed = argument.type === T.object && argument.bytes[argument.start + 5] !== 0x24
    const named = isNamed
      ? namedArguments(name, argument, parse, ['date'], ['timezone'])
      : { date: parseArguments(name, argument, parse, 1)[0] }
    return (scope) => {
      const value = named.date!(scope)
      if (!value || isNullish(value)) return nullValue
      const zone = textOf(name, (named as { timezone?: Expression }).timezone, scope, 'UTC')
      return int32Value(pick(partsOf(moment(name, value), zone)))
    }
  }
}

const units = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

export const dateOperators: Record<string, Operator> = {
  $year: part('$year', (parts) => parts.year),
  $month: part('$month', (parts) => parts.month),
  $dayOfMonth: part('$dayOfMonth', (parts) => parts.day),
  $dayOfYear: part('$dayOfYear', dayOfYear),
  $dayOfWeek: part('$dayOfWeek', weekday),
  $isoDayOfWeek: part('$isoDayOfWeek', (parts) => ((weekday(parts) + 5) % 7) + 1),
  $isoWeek: part('$isoWeek', (parts) => isoWeek(parts).week),
  $isoWeekYear: part('$isoWeekYear', (parts) => isoWeek(parts).year),
  $hour: part('$hour', (parts) => parts.hour),
  $minute: part('$minute', (parts) => parts.minute),
  $second: part('$second', (parts) => parts.second),
  $millisecond: part('$millisecond', (parts) => parts.ms),
  $dateToString: (argument, parse) => {
    const named = namedArguments(
      '$dateToString',
      argument,
      parse,
      ['date'],
      ['format', 'timezone', 'onNull'],
    )
    return (scope) => {
      const value = named.date!(scope)
      if (!value || isNullish(value)) return named.onNull ? named.onNull(scope) : nullValue
      const zone = textOf('$dateToString', named.timezone, scope, 'UTC')
      const standard = zone === 'UTC' ? '%Y-%m-%dT%H:%M:%S.%LZ' : '%Y-%m-%dT%H:%M:%S.%L'
      const format = textOf('$dateToString', named.format, scope, standard)
      return stringValue(formatDate(moment('$dateToString', value), zone, format))
    }
  },
  $dateTrunc: (argument, parse) => {
    const named = namedArguments(
      '$dateTrunc',
      argument,
      parse,
      ['date', 'unit'],
      ['binSize', 'timezone', 'startOfWeek'],
    )
    return (scope) => {
      const value = named.date!(scope)
      if (!value || isNullish(value)) return nullValue
      const unit = textOf('$dateTrunc', named.unit, scope, '')
      if (!units.includes(unit)) {
        throw new CommandError('BadValue', `unknown time unit value: ${unit}`)
      }
      const size = named.binSize?.(scope)
      if (size && (!isNumber(size) || !(toNumber(size) >= 1))) {
        throw new CommandError('BadValue', '$dateTrunc needs a positive binSize')
      }
      const start = textOf('$dateTrunc', named.startOfWeek, scope, 'sunday').toLowerCase()
      const weekStart = weekdays.indexOf(start.slice(0, 3))
      if (weekStart < 0) throw new CommandError('BadValue', `unknown day of week value: ${start}`)
      const zone = textOf('$dateTrunc', named.timezone, scope, 'UTC')
      const ms = moment('$dateTrunc', value)
      const bin = size ? Math.trunc(toNumber(size)) : 1
      return dateValue(BigInt(truncateDate(ms, zone, unit as DateUnit, bin, weekStart)))
    }
  },
}
