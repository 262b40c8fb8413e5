import type { Checked } from './checked.ts'

/** Fewest characters of another country's social security number and tax number. */
export const minForeignSsn = 4
export const minForeignTaxNumber = 2

/** Another country's number in capitals without separators; how it is built, only that country knows. */
export function checkForeignNumber<R extends string>(
  text: string,
  minLength: number,
  reason: R,
): Checked<R> {
  const value = text.replace(/[\s\-./]/g, '').toUpperCase()
  return /^[A-Z0-9]{2,32}$/.test(value) && value.length >= minLength ? { value } : { reason }
}
