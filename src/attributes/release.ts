import { attributeByName, attributeTable } from './attribute-table.ts'
import { isUsableValue, maxValueLength } from './attribute-values.ts'
import { categoryRules, categoryThatGives } from './entity-categories.ts'
import type {
  Affiliation,
  AttributeDefinition,
  AttributeEnvironment,
  AttributeSubject,
  Release,
  ReleaseDecision,
  ReleasedAttribute,
  ReleaseReason,
  ReleaseTarget,
} from './release-types.ts'

/** What a rule says of an attribute: undefined leaves it to the next rule. */
type Verdict = { released: boolean; reason: ReleaseReason; detail: string } | undefined
type ReleaseRule = (
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
  environment: AttributeEnvironment,
) => Verdict

/**
 * In order; the first that has a word decides. An admin outranks the service, and a preset what the
 * service's metadata asks for; nothing goes that no rule names.
 */
const rules: readonly ReleaseRule[] = [
  adminBlock,
  inexpressible,
  adminRelease,
  anonymousAccess,
  subjectIdRequirement,
  preset,
  entityCategory,
  sensitive,
  outsideCategories,
  requested,
  () => no('not-requested', 'The service does not ask for it.'),
]

/** What the rules say of one attribute for one target: the same for every person. */
export interface PlannedAttribute {
  readonly definition: AttributeDefinition
  readonly samlName: string
  readonly decision: ReleaseDecision
  /** The person's primary affiliation must be one of these, where the preset says so. */
  readonly onlyFor?: readonly Affiliation[]
  readonly forOthers: ReleaseDecision
  readonly withoutValue: ReleaseDecision
  readonly withoutUsableValue: ReleaseDecision
}

/** A target lives as long as its service is cached: signing in again and again decides once. */
const plans = new WeakMap<ReleaseTarget, readonly PlannedAttribute[]>()

/**
 * Decides which attribute values of the person go to the service, and says why for every attribute
 * of the table. Default is no.
 */
export function decideRelease(
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): Release {
  const attributes: ReleasedAttribute[] = []
  const decisions: ReleaseDecision[] = []
  for (const planned of releasePlan(target, environment)) {
    // Most of the table, in every answer: no more than this.
    if (!planned.decision.released) {
      decisions.push(planned.decision)
      continue
    }
    const { definition, samlName } = planned
    const { decision, values } = decideAttribute(planned, subject, target, environment)
    if (values.length > 0) attributes.push({ definition, samlName, values })
    decisions.push(decision)
  }
  return { attributes, decisions }
}

/** The rules' verdicts for one target, in the order of the table. */
export function releasePlan(
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): readonly PlannedAttribute[] {
  let plan = plans.get(target)
  if (!plan) {
    plan = planRelease(target, environment)
    plans.set(target, plan)
  }
  return plan
}

/** What the plan comes to for one person; values only when they go. */
export function decideAttribute(
  planned: PlannedAttribute,
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): { readonly decision: ReleaseDecision; readonly values: readonly string[] } {
  const { definition, decision, onlyFor } = planned
  if (!decision.released) return { decision, values: [] }
  if (onlyFor && !isOneOf(onlyFor, subject, target, environment)) {
    return { decision: planned.forOthers, values: [] }
  }
  const values = definition.values(subject, environment, target)
  const usable = values.every(isUsableValue) ? values : values.filter(isUsableValue)
  if (usable.length > 0) return { decision, values: usable }
  return {
    decision: values.length > 0 ? planned.withoutUsableValue : planned.withoutValue,
    values: usable,
  }
}

/** By the very value that services read as the primary affiliation. */
function isOneOf(
  onlyFor: readonly Affiliation[],
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): boolean {
  const [primary] = primaryAffiliation.values(subject, environment, target)
  return onlyFor.some((affiliation) => affiliation === primary)
}

const primaryAffiliation = attributeByName('eduPersonPrimaryAffiliation')!

function planRelease(
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): readonly PlannedAttribute[] {
  return attributeTable.map((definition) => {
    const samlName = environment.samlNames?.[definition.name] ?? definition.samlName
    const verdict = rules.reduce<Verdict>(
      (found, rule) => found ?? rule(definition, target, samlName, environment),
      undefined,
    )
    const decide = (decision: NonNullable<Verdict>): ReleaseDecision =>
      Object.freeze({ attribute: definition.name, ...decision })
    const onlyFor =
      verdict!.reason === 'preset' ? presetAttribute(definition, target)?.onlyFor : undefined
    return {
      definition,
      samlName,
      decision: decide(verdict!),
      onlyFor,
      forOthers: decide(
        no(
          'not-for-affiliation',
          `The preset gives it only to people whose primary affiliation is ${onlyFor?.join(' or ')}.`,
        ),
      ),
      withoutValue: decide(
        no('not-available', `Would go (${verdict!.reason}), but the person has no value for it.`),
      ),
      withoutUsableValue: decide(
        no(
          'not-available',
          `Would go (${verdict!.reason}), but the value is longer than ${maxValueLength} characters or holds one that XML cannot carry.`,
        ),
      ),
    }
  })
}

const yes = (reason: ReleaseReason, detail: string) => ({ released: true, reason, detail })
const no = (reason: ReleaseReason, detail: string) => ({ released: false, reason, detail })

function adminBlock(definition: AttributeDefinition, target: ReleaseTarget): Verdict {
  if (!target.overrides.block?.includes(definition.name)) return undefined
  return no('admin-block', 'An administrator blocked it for this service.')
}

function inexpressible(
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
): Verdict {
  if (target.protocol === 'saml' && samlName === '') {
    return no('not-available', 'SAML has no name for it.')
  }
  if (target.protocol === 'oidc' && definition.claim === undefined) {
    return no('not-available', 'OpenID Connect has no claim for it.')
  }
  return undefined
}

function adminRelease(definition: AttributeDefinition, target: ReleaseTarget): Verdict {
  if (!target.overrides.release?.includes(definition.name)) return undefined
  return yes('admin-release', 'An administrator releases it to this service.')
}

const identifiersForServices = ['pairwise-id', 'subject-id', 'eduPersonTargetedID']

/** REFEDS Anonymous Access v2: whatever else the metadata demands, nobody is to be known again. */
function anonymousAccess({ name }: AttributeDefinition, { isAnonymous }: ReleaseTarget): Verdict {
  if (!isAnonymous || !identifiersForServices.includes(name)) return undefined
  return no(
    'not-in-category',
    'The service is in Anonymous Access, so it gets nothing by which it knows somebody again.',
  )
}

/**
 * saml-subject-id-attr 2.4: with `any` one of the two goes, pairwise-id when both could. To a service
 * of another federation subject-id goes only with a category that may name the person: by it any two
 * services could put together what they know.
 */
function subjectIdRequirement(definition: AttributeDefinition, target: ReleaseTarget): Verdict {
  const { subjectIdRequirement: need, overrides } = target
  const isSubjectId = definition.name === 'subject-id'
  if (!isSubjectId && definition.name !== 'pairwise-id') return undefined
  const fulfils = `The service’s metadata demands ${need} (subject-id:req).`
  const { categories = [], needsCategory } = target
  if (need === 'any' && categories.includes('personalized')) {
    return isSubjectId
      ? undefined
      : no('superseded', 'The service takes either identifier, and its category gives subject-id.')
  }
  if (isSubjectId && needsCategory && !mayNamePerson(categories)) return undefined
  if (need === definition.name) return yes('subject-id-requirement', fulfils)
  if (need !== 'any') return undefined
  const pairwiseGoes = !overrides.block?.includes('pairwise-id')
  if (isSubjectId && pairwiseGoes) {
    return no('superseded', 'The service takes either identifier, and pairwise-id tells it less.')
  }
  return yes('subject-id-requirement', fulfils)
}

/** Pseudonymous Access asks for no identifier that others know too; no category gives no reason. */
function mayNamePerson(categories: NonNullable<ReleaseTarget['categories']>): boolean {
  return categories.some((category) => category !== 'pseudonymous' && category !== 'esi')
}

/**
 * What a known service needs, in place of what its metadata asks for. An OpenID Connect client still
 * gets nothing beyond the scopes that it is registered for and asks for now.
 */
function preset(definition: AttributeDefinition, target: ReleaseTarget, samlName: string): Verdict {
  if (!target.preset) return undefined
  const { id } = target.preset
  if (!presetAttribute(definition, target)) {
    return no(
      'not-in-preset',
      `The preset "${id}" says what the service gets, and this is not in it.`,
    )
  }
  if (target.protocol === 'oidc' && !requestFor(definition, target, samlName)) {
    return no('not-requested', `The preset "${id}" allows it, but the client does not ask for it.`)
  }
  return yes('preset', `The preset "${id}" says that the service needs it.`)
}

export function presetAttribute(
  { name }: Pick<AttributeDefinition, 'name'>,
  { preset: chosen }: Pick<ReleaseTarget, 'preset'>,
) {
  return chosen?.attributes.find((attribute) => attribute.name === name)
}

/** National numbers are in no bundle, and Code of Conduct does not give what is merely required of them. */
function entityCategory(
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
  { institution }: AttributeEnvironment,
): Verdict {
  const { categories = [] } = target
  if (categories.length === 0 || definition.sensitivity === 'sensitive') return undefined
  const category = categoryThatGives(definition.name, categories, {
    isRequired: requestFor(definition, target, samlName)?.isRequired === true,
    isReassigned: institution.attributes?.assurance?.usernamesNeverReassigned !== true,
  })
  if (!category) return undefined
  const { title } = categoryRules[category]
  return yes('entity-category', `The service’s entity category gives it: ${title}.`)
}

/** A service that nobody at home looked at says itself what it asks for. */
function outsideCategories(
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
): Verdict {
  const { categories = [], needsCategory, subjectIdRequirement: need } = target
  if (!needsCategory) return undefined
  const isDemanded =
    need === definition.name || (need === 'any' && definition.name === 'pairwise-id')
  if (!isDemanded && !requestFor(definition, target, samlName)) return undefined
  return no(
    'not-in-category',
    categories.length === 0
      ? 'Another federation registered the service, and no category by which this institution gives attributes is on it.'
      : 'Another federation registered the service, and its entity categories do not give it.',
  )
}

function sensitive(
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
): Verdict {
  if (definition.sensitivity !== 'sensitive' || !requestFor(definition, target, samlName)) {
    return undefined
  }
  return no(
    'sensitive-without-rule',
    'The service asks for it, but a national number goes only where an administrator releases it by name.',
  )
}

function requested(
  definition: AttributeDefinition,
  target: ReleaseTarget,
  samlName: string,
): Verdict {
  const request = requestFor(definition, target, samlName)
  if (!request) return undefined
  if (request.scope) return yes('scope', `The scope "${request.scope}" asks for it.`)
  return request.isRequired
    ? yes('required', 'The service says that it requires it.')
    : yes('requested', 'The service asks for it.')
}

/** The service's own request for the attribute. */
export function requestFor(
  definition: AttributeDefinition,
  { protocol, requestedAttributes }: ReleaseTarget,
  samlName: string,
) {
  const wanted: readonly (string | undefined)[] = {
    saml: [samlName, ...(definition.samlAliases ?? [])],
    oidc: [definition.claim],
    cas: [definition.name],
  }[protocol]
  const requests = requestedAttributes.filter(({ name }) => wanted.includes(name))
  // Asked for twice, for example by two scopes: the stronger request counts.
  return requests.find(({ isRequired }) => isRequired) ?? requests[0]
}
