import { disclosureOf } from '../attributes/disclosure.ts'
import { type ExplainedAttribute, explainRelease } from '../attributes/explain.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { usualReleaseTarget } from '../attributes/targets.ts'
import {
  askedAmong,
  asSent,
  inWords,
  missingWords,
  type WordsContext,
  whyWords,
} from '../consent/attribute-words.ts'
import type { RegisteredService } from '../federation/service.ts'
import { privacyAddress, summarizeService } from '../federation/service-summary.ts'
import { withActivatedRoles } from '../people/activated-roles.ts'
import { keepersOf } from '../record-keeper/fact-office.ts'
import type { Visit } from './signed-in.ts'

/** What the service would get about the visitor, and why, in the page's language. */
export function describeRelease(
  service: RegisteredService,
  { account, person, language, t }: Pick<Visit, 'account' | 'person' | 'language' | 't'>,
  environment: AttributeEnvironment,
  now: Date,
) {
  const target = usualReleaseTarget(service, environment)
  const subject = { account, person: withActivatedRoles(person, account), now, language }
  const { attributes, preset, legalGround } = explainRelease(subject, target, environment)
  const context: WordsContext = { person, language, t }
  const having = (outcome: ExplainedAttribute['outcome']) =>
    attributes.filter((attribute) => attribute.outcome === outcome)
  const missing = having('missing').filter(({ isRequired, name }) => isRequired || isByItself(name))
  const facts = missing.flatMap((attribute) => attribute.missing)
  const going = rowsOf(having('goes'), context)
  const keeperContext = { institution: environment.institution, now, language, t }
  return {
    service: { ...summarizeService(service, language), url: undefined },
    startUrl: service.startUrl,
    privacyUrl: privacyAddress(service, language),
    preset: preset && { name: preset.name[language], about: preset.about[language] },
    disclosure: disclosureOf(target, environment.institution),
    ground: legalGround?.text[language],
    going,
    asked: askedAmong(going),
    missing: missingWords(missing, t),
    keepers: keepersOf(facts, person, keeperContext),
    comesByItself: facts.includes('academicId'),
    refused: having('refused').map(({ name, reason }) => ({
      label: t(`attribute.${name}`),
      reason: t(`release.reason.${reason}`),
    })),
    // What it asks for in a request may be less than all its scopes.
    isMost: service.protocol === 'oidc',
    technical: having('goes').map((attribute) => ({
      name: attribute.name,
      values: asSent(attribute, context),
    })),
  }
}

/** People have nothing to do with it, so it is told although the service can do without. */
function isByItself(name: string): boolean {
  return name === 'schGrAcPersonID'
}

interface Row {
  readonly label: string
  readonly words: Set<string>
  readonly why: Set<string>
}

/** Attributes that people know by one name are one row. */
function rowsOf(attributes: readonly ExplainedAttribute[], context: WordsContext) {
  const { t } = context
  const rows = new Map<string, Row>()
  for (const attribute of attributes) {
    const label = t(`attribute.${attribute.name}`)
    const row = rows.get(label) ?? { label, words: new Set<string>(), why: new Set<string>() }
    rows.set(label, row)
    for (const words of inWords(attribute, context)) row.words.add(words)
    const why = whyWords(attribute, context)
    if (why) row.why.add(why)
  }
  return [...rows.values()].map(({ label, words, why }) => ({
    label,
    words: [...words],
    why: [...why],
  }))
}
