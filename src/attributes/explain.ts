import type { LocalizedText } from '../institution.ts'
import { attributeByName } from './attribute-table.ts'
import { casUserAttribute, casUserValue } from './cas-user.ts'
import { categoryLegalGround, categoryRules } from './entity-categories.ts'
import { missingFacts } from './missing-facts.ts'
import { decideAttribute, presetAttribute, releasePlan, requestFor } from './release.ts'
import type {
  AttributeEnvironment,
  AttributeFact,
  AttributeSubject,
  LegalGround,
  ReleaseReason,
  ReleaseTarget,
  Sensitivity,
} from './release-types.ts'

export { disclosureOf } from './disclosure.ts'

export interface ExplainedAttribute {
  readonly name: string
  /** goes; missing: would go, but there is no value; refused: was asked for and does not go. */
  readonly outcome: 'goes' | 'missing' | 'refused'
  /** As the service gets them; empty unless it goes. */
  readonly values: readonly string[]
  readonly sensitivity: Sensitivity
  readonly isRequired: boolean
  /** For `missing` the reason why it would go. */
  readonly reason: ReleaseReason
  /** What the service does with it, in the preset's words. */
  readonly why?: LocalizedText
  /** What the person's records lack; empty when nobody needs to add anything. */
  readonly missing: readonly AttributeFact[]
}

export interface ReleaseExplanation {
  /** In the order of the table, without what nobody asked for. */
  readonly attributes: readonly ExplainedAttribute[]
  readonly preset?: {
    readonly id: string
    readonly name: LocalizedText
    readonly about: LocalizedText
  }
  /** Titles of the entity categories that count. */
  readonly categories?: readonly string[]
  /** An administrator's text has no kind. */
  readonly legalGround?: LegalGround | { readonly text: LocalizedText }
}

/**
 * What the service gets about the person and why, for people, administrators and tests: the very
 * decisions by which attributes go out, in a form that pages can show.
 */
export function explainRelease(
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): ReleaseExplanation {
  const { preset, categories = [] } = target
  const legalGround = legalGroundOf(target)
  const attributes = releasePlan(target, environment).flatMap((planned): ExplainedAttribute[] => {
    const { definition } = planned
    const { decision, values } = decideAttribute(planned, subject, target, environment)
    const request = requestFor(definition, target, planned.samlName)
    // OpenID Connect has no way to give what the request did not name, whoever allows it.
    if (target.protocol === 'oidc' && !request) return []
    const wouldGo = planned.decision.released && decision.reason !== 'not-for-affiliation'
    const named = presetAttribute(definition, target)
    if (!planned.decision.released && !request && !isMeantToGo(planned.decision.reason, named)) {
      return []
    }
    const isMissing = wouldGo && values.length === 0
    return [
      {
        name: definition.name,
        outcome: values.length > 0 ? 'goes' : isMissing ? 'missing' : 'refused',
        values,
        sensitivity: definition.sensitivity,
        isRequired:
          named?.isRequired ??
          (planned.decision.reason === 'subject-id-requirement' || request?.isRequired === true),
        reason: wouldGo ? planned.decision.reason : decision.reason,
        ...(named && { why: named.why }),
        missing: isMissing ? missingFacts(definition, subject, environment, target) : [],
      },
    ]
  })
  return {
    attributes: [...attributes, ...unnamedUser(attributes, subject, target, environment)],
    ...(preset && { preset: { id: preset.id, name: preset.name, about: preset.about } }),
    ...(categories.length > 0 && {
      categories: categories.map((name) => categoryRules[name].title),
    }),
    ...(legalGround && { legalGround }),
  }
}

/** What a CAS service knows people by goes whether it is among the attributes or not. */
function unnamedUser(
  attributes: readonly ExplainedAttribute[],
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): ExplainedAttribute[] {
  const name = target.protocol === 'cas' ? casUserAttribute(target) : undefined
  const definition = name === undefined ? undefined : attributeByName(name)
  if (!definition || attributes.some((one) => one.name === name && one.outcome !== 'refused'))
    return []
  const value = casUserValue(definition.name, subject, target, environment)
  return [
    {
      name: definition.name,
      outcome: value === undefined ? 'missing' : 'goes',
      values: value === undefined ? [] : [value],
      sensitivity: definition.sensitivity,
      isRequired: true,
      reason: 'required',
      missing: value === undefined ? missingFacts(definition, subject, environment, target) : [],
    },
  ]
}

/**
 * Held back from what the preset says, or demanded without a category that gives it: worth telling.
 * What the protocol cannot say is not.
 */
function isMeantToGo(reason: ReleaseReason, named: object | undefined): boolean {
  return reason === 'not-in-category' || (named !== undefined && reason === 'admin-block')
}

function legalGroundOf({
  overrides,
  preset,
  categories = [],
}: ReleaseTarget): ReleaseExplanation['legalGround'] {
  const { legalGround } = overrides
  if (legalGround === undefined) return preset?.legalGround ?? categoryLegalGround(categories)
  const [el = '', en = el] = legalGround.split('||').map((text) => text.trim())
  return { text: { el, en } }
}
