import { attributeByName } from '../attributes/attribute-table.ts'
import { type ExplainedAttribute, explainRelease } from '../attributes/explain.ts'
import type {
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from '../attributes/release-types.ts'
import type { RegisteredService } from '../federation/service.ts'
import { privacyAddress, summarizeService } from '../federation/service-summary.ts'
import { keepersOf } from '../record-keeper/fact-office.ts'
import type { NamedRecordKeeper } from '../record-keeper/record-keeper.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import {
  askedAmong,
  asSent,
  inWords,
  isOpaque,
  missingWords,
  type WordsContext,
  whyWords,
} from './attribute-words.ts'
import { leaving, type OpenedRelease, type ReleaseRef } from './release-ref.ts'

/** What would go now, and what of that the service needs and does not get. */
export interface Disclosed {
  readonly attributes: readonly ExplainedAttribute[]
  readonly lacking: readonly ExplainedAttribute[]
  readonly legalGround?: ReturnType<typeof explainRelease>['legalGround']
}

/** The same decisions by which the answer is made, and the identifier that it may carry besides. */
export function discloses(
  subject: AttributeSubject,
  { target }: OpenedRelease,
  ref: ReleaseRef,
  environment: AttributeEnvironment,
): Disclosed {
  const { attributes, legalGround } = explainRelease(subject, target, environment)
  const going = attributes.filter(({ outcome }) => outcome === 'goes')
  const names = leaving(
    going.map(({ name }) => name),
    ref,
    target,
  )
  return {
    attributes: names.flatMap(
      (name) =>
        going.find((attribute) => attribute.name === name) ??
        identifier(name, subject, target, environment),
    ),
    lacking: attributes.filter(({ outcome, isRequired }) => outcome === 'missing' && isRequired),
    ...(legalGround ? { legalGround } : {}),
  }
}

/** An attribute that goes as the NameID alone. */
function identifier(
  name: string,
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): ExplainedAttribute[] {
  const definition = attributeByName(name)
  if (!definition) return []
  const { sensitivity } = definition
  const values = definition.values(subject, environment, target).slice(0, 1)
  return [
    {
      name,
      outcome: 'goes',
      values,
      sensitivity,
      isRequired: true,
      reason: 'requested',
      missing: [],
    },
  ]
}

interface PageContext extends WordsContext {
  readonly language: Language
  readonly t: Translate
  readonly environment: AttributeEnvironment
  /** Names that the person decided about before; absent when never. */
  readonly known?: ReadonlySet<string>
}

/** What the page shows, in its language. */
export function describeDisclosure(
  disclosed: Disclosed,
  service: RegisteredService,
  subject: AttributeSubject,
  context: PageContext,
) {
  const { language, t } = context
  const rows = rowsOf(disclosed.attributes, context)
  return {
    service: { ...summarizeService(service, language), url: undefined },
    privacyUrl: privacyAddress(service, language),
    rows,
    asked: askedAmong(rows),
    technical: disclosed.attributes.map((attribute) => ({
      name: attribute.name,
      values: asSent(attribute, context),
    })),
    ground: disclosed.legalGround?.text[language],
    lacking: missingWords(disclosed.lacking, t),
    keepers: askedAbout(disclosed.lacking, subject, context),
    comesByItself: disclosed.lacking.some(({ missing }) => missing.includes('academicId')),
  }
}

/** What people look for first; codes that tell them nothing come last. */
const order = [
  'displayName',
  'cn',
  'givenName',
  'sn',
  'mail',
  'mobile',
  'eduPersonPrincipalName',
  'preferredUsername',
  'uid',
]

function rank(name: string): number {
  const index = order.indexOf(name)
  if (index !== -1) return index
  return isOpaque(name) ? order.length + 1 : order.length
}

/** Attributes that people know by one name are one row, with each of their values once. */
function rowsOf(attributes: readonly ExplainedAttribute[], context: PageContext): Row[] {
  const { t, known } = context
  const rows = new Map<string, Row>()
  for (const attribute of attributes.toSorted((a, b) => rank(a.name) - rank(b.name))) {
    const label = t(`attribute.${attribute.name}`)
    const row = rows.get(label) ?? { label, words: [], why: [], isNew: false }
    rows.set(label, row)
    if (known && !known.has(attribute.name)) row.isNew = true
    for (const words of inWords(attribute, context)) {
      if (!row.words.includes(words)) row.words.push(words)
    }
    const why = whyWords(attribute, context)
    if (why && !row.why.includes(why)) row.why.push(why)
  }
  return [...rows.values()]
}

interface Row {
  readonly label: string
  readonly words: string[]
  readonly why: string[]
  isNew: boolean
}

/** Who can add what is missing; the helpdesk looks into what is on record and cannot be sent. */
function askedAbout(
  lacking: readonly ExplainedAttribute[],
  { person, now }: AttributeSubject,
  { environment: { institution }, language, t }: PageContext,
): readonly NamedRecordKeeper[] {
  const facts = lacking.flatMap(({ missing }) => missing)
  const keepers = keepersOf(facts, person, { institution, now, language, t })
  if (lacking.every(({ missing }) => missing.length > 0)) return keepers
  const { email, phone } = institution.helpdesk
  return [...keepers, { name: t('consent.lacking.helpdesk'), email, ...(phone ? { phone } : {}) }]
}
