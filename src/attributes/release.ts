import { attributeTable } from './attribute-table.ts'
import { isUsableValue, maxValueLength } from './attribute-values.ts'
import type {
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
) => Verdict

/**
 * In order; the first that has a word decides. An admin outranks the service; nothing goes that no
 * rule names. Rules for entity categories and for known services belong before `sensitive`.
 */
const rules: readonly ReleaseRule[] = [
  adminBlock,
  inexpressible,
  adminRelease,
  subjectIdRequirement,
  sensitive,
  requested,
  () => no('not-requested', 'The service does not ask for it.'),
]

/** The rules' verdicts for one target: they do not depend on the person. */
type Plan = readonly {
  readonly definition: AttributeDefinition
  readonly samlName: string
  readonly decision: ReleaseDecision
  readonly withoutValue: ReleaseDecision
  readonly withoutUsableValue: ReleaseDecision
}[]

/** A target lives as long as its service is cached: signing in again and again decides once. */
const plans = new WeakMap<ReleaseTarget, Plan>()

/**
 * Decides which attribute values of the person go to the service, and says why for every attribute
 * of the table. Default is no.
 */
export function decideRelease(
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): Release {
  let plan = plans.get(target)
  if (!plan) {
    plan = planRelease(target, environment)
    plans.set(target, plan)
  }
  const attributes: ReleasedAttribute[] = []
  const decisions: ReleaseDecision[] = []
  for (const { definition, samlName, decision, withoutValue, withoutUsableValue } of plan) {
    if (!decision.released) {
      decisions.push(decision)
      continue
    }
    const values = definition.values(subject, environment, target)
    const usable = values.every(isUsableValue) ? values : values.filter(isUsableValue)
    if (usable.length > 0) attributes.push({ definition, samlName, values: usable })
    decisions.push(
      usable.length > 0 ? decision : values.length > 0 ? withoutUsableValue : withoutValue,
    )
  }
  return { attributes, decisions }
}

function planRelease(target: ReleaseTarget, environment: AttributeEnvironment): Plan {
  return attributeTable.map((definition) => {
    const samlName = environment.samlNames?.[definition.name] ?? definition.samlName
    const verdict = rules.reduce<Verdict>(
      (found, rule) => found ?? rule(definition, target, samlName),
      undefined,
    )
    const decide = (decision: NonNullable<Verdict>): ReleaseDecision =>
      Object.freeze({ attribute: definition.name, ...decision })
    return {
      definition,
      samlName,
      decision: decide(verdict!),
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

/** saml-subject-id-attr 2.4: with `any` one of the two goes, pairwise-id when both could. */
function subjectIdRequirement(definition: AttributeDefinition, target: ReleaseTarget): Verdict {
  const { subjectIdRequirement: need, overrides } = target
  const isSubjectId = definition.name === 'subject-id'
  if (!isSubjectId && definition.name !== 'pairwise-id') return undefined
  const fulfils = `The service’s metadata demands ${need} (subject-id:req).`
  if (need === definition.name) return yes('subject-id-requirement', fulfils)
  if (need !== 'any') return undefined
  const pairwiseGoes = !overrides.block?.includes('pairwise-id')
  if (isSubjectId && pairwiseGoes) {
    return no('superseded', 'The service takes either identifier, and pairwise-id tells it less.')
  }
  return yes('subject-id-requirement', fulfils)
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

function requestFor(
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
