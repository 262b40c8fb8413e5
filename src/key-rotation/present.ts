import type { PageText } from '../web/page-text.ts'

/** The values of an evidence text with its date written for people. */
export function presentValues(
  values: PageText['values'],
  writeDate: (at: Date) => string,
): PageText['values'] {
  return values && 'date' in values
    ? { ...values, date: writeDate(new Date(String(values.date))) }
    : values
}
