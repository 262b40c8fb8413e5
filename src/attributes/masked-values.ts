import { maskNationalNumber } from '../people/national-number.ts'
import type { ExplainedAttribute } from './explain.ts'

/** Values for people to look at: of a national number its end only, of a URN with one its last part. */
export function maskedValues({
  values,
  sensitivity,
}: Pick<ExplainedAttribute, 'values' | 'sensitivity'>): readonly string[] {
  if (sensitivity !== 'sensitive') return values
  return values.map((value) => {
    const start = value.lastIndexOf(':') + 1
    return value.slice(0, start) + maskNationalNumber(value.slice(start))
  })
}
