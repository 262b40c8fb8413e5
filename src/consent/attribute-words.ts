import type { ExplainedAttribute } from '../attributes/explain.ts'
import { maskNationalNumber } from '../people/national-number.ts'
import type { Person } from '../people/person.ts'
import { formatDay } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'

export interface WordsContext {
  readonly person: Pick<Person, 'academicId'>
  readonly language: Language
  readonly t: Translate
}

type Values = Pick<ExplainedAttribute, 'name' | 'values' | 'sensitivity'>

const opaque = new Set(['subject-id', 'pairwise-id', 'eduPersonUniqueId', 'eduPersonTargetedID'])

/** Means something to machines only; the page says so instead. */
export function isOpaque(name: string): boolean {
  return opaque.has(name)
}

const academicIdAttribute = 'schGrAcPersonID'

/**
 * What goes to the service, for people to read: the very values where they are words, what they mean
 * where they are codes. The AcademicID is told to nobody, and of a national number only its end.
 */
export function inWords(attribute: Values, context: WordsContext): string[] {
  const { name, values } = attribute
  const { t } = context
  if (isOpaque(name)) return [t('consent.value.opaque')]
  const words = values.map((value) => secretWords(attribute, value, context) ?? word(value))
  return [...new Set(words)]

  function word(value: string): string {
    return wordsFor[name]?.(value, context) ?? value
  }
}

/**
 * Why it goes. That the service itself asks says nothing of this attribute more than of the next, so
 * it is undefined: pages say it once for all of them.
 */
export function whyWords(
  { why, reason }: Pick<ExplainedAttribute, 'why' | 'reason'>,
  { language, t }: Pick<WordsContext, 'language' | 't'>,
): string | undefined {
  if (why) return why[language]
  return reason === 'requested' || reason === 'scope' ? undefined : t(`release.reason.${reason}`)
}

/** Of how many rows a page has to say that the service itself asks for them. */
export function askedAmong(
  rows: readonly { readonly why: readonly string[] }[],
): 'all' | 'some' | undefined {
  const asked = rows.filter(({ why }) => why.length === 0).length
  if (asked === 0) return undefined
  return asked === rows.length ? 'all' : 'some'
}

/** What to ask for, each once; an attribute by its name where no fact of it is missing. */
export function missingWords(
  attributes: readonly Pick<ExplainedAttribute, 'name' | 'missing'>[],
  t: Translate,
): readonly string[] {
  const texts = attributes.flatMap(({ name, missing }) =>
    missing.length > 0
      ? missing.map((fact) => t(`release.fact.${fact}`))
      : [t(`attribute.${name}`)],
  )
  return [...new Set(texts)]
}

/** What is sent, letter by letter, but for what is not shown. */
export function asSent(attribute: Values, context: WordsContext): string[] {
  return attribute.values.map((value) => secretWords(attribute, value, context) ?? value)
}

function secretWords(
  { name, sensitivity }: Values,
  value: string,
  { person, t }: WordsContext,
): string | undefined {
  const { academicId } = person
  const holdsId =
    name === academicIdAttribute || (academicId !== undefined && value.includes(academicId))
  if (holdsId) return t('consent.value.academicId')
  if (sensitivity !== 'sensitive') return undefined
  return maskNationalNumber(lastPart(value)).replaceAll('*', '•')
}

/** Of a URN, or of anything else with colons. */
function lastPart(value: string): string {
  return value.slice(value.lastIndexOf(':') + 1)
}

type Wording = (value: string, context: WordsContext) => string | undefined

const affiliation: Wording = (value, { t }) => {
  const [kind = ''] = value.split('@')
  return known(t, `consent.value.affiliation.${kind}`)
}

const wordsFor: Readonly<Record<string, Wording>> = {
  eduPersonAffiliation: affiliation,
  eduPersonPrimaryAffiliation: affiliation,
  eduPersonScopedAffiliation: affiliation,
  eduPersonAssurance: (_value, { t }) => t('consent.value.assurance'),
  emailVerified: (_value, { t }) => t('consent.value.yes'),
  birthDate: (value, { language }) => day(value, language),
  schacDateOfBirth: (value, { language }) =>
    day(value.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3'), language),
  schacGender: (value, { t }) => known(t, `gender.${value}`),
  schacCountryOfCitizenship: (value, { language }) => nameOf('region', value, language),
  preferredLanguage: (value, { language }) => nameOf('language', value, language),
  schacHomeOrganizationType: (_value, { t }) => t('consent.value.organizationType'),
  schacPersonalUniqueCode: lastPart,
  schGrAcEnrollment: (_value, { t }) => t('consent.value.studies'),
  schGrAcInscription: (_value, { t }) => t('consent.value.studies'),
  schGrAcEmployment: (_value, { t }) => t('consent.value.employment'),
  schGrAcPersonalLinkageID: lastPart,
  schacPersonalPosition: lastPart,
}

function known(t: Translate, key: string): string | undefined {
  return t.has(key) ? t(key) : undefined
}

function day(date: string, language: Language): string | undefined {
  const instant = new Date(`${date}T12:00:00Z`)
  return Number.isNaN(instant.getTime()) ? undefined : formatDay(instant, language)
}

function nameOf(type: 'region' | 'language', code: string, language: Language): string | undefined {
  const names = new Intl.DisplayNames(language === 'el' ? 'el-GR' : 'en-GB', { type })
  try {
    return names.of(type === 'region' ? code.toUpperCase() : code)
  } catch {
    return undefined
  }
}
