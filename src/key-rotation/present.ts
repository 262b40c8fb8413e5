import { firstStart, rotationSchedule } from '../keys/key-records.ts'
import type { PageText } from '../web/page-text.ts'

/** A waiting time as people say it: whole days from two on, else hours. For `admin.keys.hours|days`. */
export function presentHours(hours: number): { key: string; values: { count: number } } {
  const isDays = hours >= 48 && hours % 24 === 0
  return isDays
    ? { key: 'admin.keys.days', values: { count: hours / 24 } }
    : { key: 'admin.keys.hours', values: { count: hours } }
}

/** Who did something to a key, as its record has it; a person, unless it says otherwise. */
export function presentActor(by: string): PageText {
  const [, name] = /^(.*) \(command line\)$/.exec(by) ?? []
  if (name !== undefined) return { key: 'admin.keys.since.commandLine', values: { name } }
  if (by === firstStart) return { key: 'admin.keys.since.firstStart' }
  if (by === rotationSchedule) return { key: 'admin.keys.since.schedule' }
  return { key: 'admin.keys.since.person', values: { name: by } }
}

/** The values of an evidence text with its date written for people. */
export function presentValues(
  values: PageText['values'],
  writeDate: (at: Date) => string,
): PageText['values'] {
  return values && 'date' in values
    ? { ...values, date: writeDate(new Date(String(values.date))) }
    : values
}
