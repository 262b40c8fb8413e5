import type { Language } from './language.ts'

const locales = { el: 'el-GR', en: 'en-GB' } as const
const zone = { timeZone: 'Europe/Athens' }

const formatsOf = (options: Intl.DateTimeFormatOptions) => ({
  el: new Intl.DateTimeFormat(locales.el, { ...zone, ...options }),
  en: new Intl.DateTimeFormat(locales.en, { ...zone, ...options }),
})

const days = formatsOf({ dateStyle: 'long' })
const calendarDays = formatsOf({ dateStyle: 'long', timeZone: 'UTC' })
const moments = formatsOf({
  dateStyle: 'long',
  timeStyle: 'short',
  // Greek would otherwise count to twelve twice.
  hourCycle: 'h23',
})

/** The day in Greece, in words: `22 Νοεμβρίου 2026`. */
export function formatDay(instant: Date, language: Language): string {
  return days[language].format(instant)
}

/** Day and time of day in Greece. */
export function formatMoment(instant: Date, language: Language): string {
  return moments[language].format(instant)
}

/**
 * A day that no hour belongs to, as a birth date.
 * @param date YYYY-MM-DD
 */
export function formatDate(date: string, language: Language): string {
  return calendarDays[language].format(new Date(`${date}T00:00:00Z`))
}
