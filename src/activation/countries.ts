import { countryCodes } from '../people/country.ts'
import type { Language } from '../web/language.ts'

export interface NamedCountry {
  readonly code: string
  readonly name: string
}

const lists = new Map<Language, readonly NamedCountry[]>()

/**
 * Countries whose insurance number a person may give, by name: the European health insurance card
 * first, as the guides have it, and without Greece, whose number is the AMKA.
 */
export function countriesIn(language: Language): readonly NamedCountry[] {
  const known = lists.get(language)
  if (known) return known
  const names = new Intl.DisplayNames(language === 'el' ? 'el-GR' : 'en-GB', { type: 'region' })
  const nameOf = (code: string) => ({ code, name: names.of(code) ?? code })
  const list = [
    nameOf('EU'),
    ...[...countryCodes]
      .filter((code) => code !== 'GR')
      .map(nameOf)
      .sort((a, b) => a.name.localeCompare(b.name, language)),
  ]
  lists.set(language, list)
  return list
}
