import { CommandError } from '../errors.ts'

/** A moment taken apart on the clock of a time zone. */
export interface DateParts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  ms: number
  /** How far the zone's clock is ahead of UTC then. */
  offsetMs: number
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone)
  if (!formatter) {
    try {
      formatter = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        calendar: 'gregory',
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
        era: 'short',
      })
    } catch {
      throw new CommandError('BadValue', `unrecognized time zone identifier: "${zone}"`)
    }
    formatters.set(zone, formatter)
  }
  return formatter
}

/** @param zone an Olson name, or an offset such as +02:00 */
function offsetAt(ms: number, zone: string): number {
  if (zone === 'UTC' || zone === 'GMT' || zone === 'Z') return 0
  const fixed = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3] ?? 0)
    return (fixed[1] === '-' ? -1 : 1) * minutes * 60_000
  }
  const part: Record<string, string> = {}
  for (const { type, value } of formatterOf(zone).formatToParts(ms)) part[type] = value
  const year = part.era === 'BC' ? 1 - Number(part.year) : Number(part.year)
  const local = Date.UTC(
    year,
    Number(part.month) - 1,
    Number(part.day),
    Number(part.hour),
    Number(part.minute),
    Number(part.second),
  )
  return local - Math.floor(ms / 1000) * 1000
}

export function partsOf(ms: number, zone: string): DateParts {
  const offsetMs = offsetAt(ms, zone)
  const local = new Date(ms + offsetMs)
  if (Number.isNaN(local.getTime())) throw new CommandError('BadValue', 'date is out of range')
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    ms: local.getUTCMilliseconds(),
    offsetMs,
  }
}

/** The moment a zone's clock shows this; of an hour that occurs twice, the first. */
function momentOf(localMs: number, zone: string): number {
  const guess = localMs - offsetAt(localMs, zone)
  return localMs - offsetAt(guess, zone)
}

export function isoDate(ms: number): string {
  return new Date(ms).toISOString()
}

/** 1 is Sunday, as $dayOfWeek counts. */
export function weekday(parts: DateParts): number {
  return new Date(Date.UTC(parts.year, parts.month - 1, parts.day)).getUTCDay() + 1
}

export function dayOfYear(parts: DateParts): number {
  return (
    (Date.UTC(parts.year, parts.month - 1, parts.day) - Date.UTC(parts.year, 0, 1)) / 86_400_000 + 1
  )
}

/** ISO 8601 week: Monday first, week 1 has the year's first Thursday. */
export function isoWeek(parts: DateParts): { year: number; week: number } {
  const day = (weekday(parts) + 5) % 7
  const thursday = new Date(Date.UTC(parts.year, parts.month - 1, parts.day - day + 3))
  const year = thursday.getUTCFullYear()
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 604_800_000) + 1 }
}

const pad = (value: number, width: number) => String(value).padStart(width, '0')

/** The format language of $dateToString. */
export function formatDate(ms: number, zone: string, format: string): string {
  const parts = partsOf(ms, zone)
  const minutes = Math.abs(parts.offsetMs) / 60_000
  const iso = isoWeek(parts)
  const sign = parts.offsetMs < 0 ? '-' : '+'
  const fields: Record<string, string> = {
    Y: pad(parts.year, 4),
    m: pad(parts.month, 2),
    d: pad(parts.day, 2),
    H: pad(parts.hour, 2),
    M: pad(parts.minute, 2),
    S: pad(parts.second, 2),
    L: pad(parts.ms, 3),
    j: pad(dayOfYear(parts), 3),
    w: String(weekday(parts)),
    u: String(((weekday(parts) + 5) % 7) + 1),
    G: pad(iso.year, 4),
    V: pad(iso.week, 2),
    z: `${sign}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`,
    Z: String((parts.offsetMs < 0 ? -1 : 1) * minutes),
    '%': '%',
  }
  return format.replace(/%(.?)/gs, (_, letter: string) => {
    const value = fields[letter]
    if (value === undefined) {
      throw new CommandError('BadValue', `Invalid format character '%${letter}' in format string`)
    }
    return value
  })
}

export type DateUnit =
  | 'year'
  | 'quarter'
  | 'month'
  | 'week'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'millisecond'

const unitMs: Partial<Record<DateUnit, number>> = {
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
}

/** The start of the bin a moment is in; bins are counted from 2000-01-01 as MongoDB does. */
export function truncateDate(
  ms: number,
  zone: string,
  unit: DateUnit,
  size: number,
  weekStart: number,
) {
  const parts = partsOf(ms, zone)
  const local = ms + parts.offsetMs
  const origin = Date.UTC(2000, 0, 1)
  if (unit === 'year' || unit === 'quarter' || unit === 'month') {
    const months = size * (unit === 'year' ? 12 : unit === 'quarter' ? 3 : 1)
    const since = (parts.year - 2000) * 12 + parts.month - 1
    return momentOf(Date.UTC(2000, Math.floor(since / months) * months, 1), zone)
  }
  if (unit === 'week') {
    // 2000-01-01 was a Saturday; the bins start on the first `weekStart` (0 is Sunday) after it.
    const first = origin + ((weekStart - 6 + 7) % 7) * 86_400_000
    const bin = size * 7 * 86_400_000
    return momentOf(first + Math.floor((local - first) / bin) * bin, zone)
  }
  const bin = size * unitMs[unit]!
  const start = origin + Math.floor((local - origin) / bin) * bin
  // Below a day the bins are of elapsed time, so a doubled hour stays two hours.
  return unit === 'day' ? momentOf(start, zone) : start - parts.offsetMs
}
