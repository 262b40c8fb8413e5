import { attributeByName } from './attribute-table.ts'
import { decideAttribute, presetAttribute, releasePlan } from './release.ts'
import type { AttributeEnvironment, AttributeSubject, ReleaseTarget } from './release-types.ts'

/**
 * Whether the preset leaves room for an attribute that names the person outside the attributes, as a
 * SAML NameID does. A service's metadata asks for it by the formats that it lists, but with a preset
 * the metadata does not count: what the preset does not name goes in no other form either. An
 * administrator's block is not looked at. Nothing names the person to a service in Anonymous Access.
 *
 * @param name `pairwise-id` stands for the persistent NameID, which presets say nothing of
 */
export function mayIdentify(name: string, target: ReleaseTarget): boolean {
  if (target.overrides.release?.includes(name)) return true
  if (target.isAnonymous) return false
  if (!target.preset || name === 'pairwise-id') return true
  return presetAttribute({ name }, target) !== undefined
}

/** The value by which this person may be named; undefined when there is none for this service. */
export function identifierValue(
  name: string,
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): string | undefined {
  if (target.overrides.block?.includes(name)) return undefined
  if (!target.preset) return attributeByName(name)?.values(subject, environment, target)[0]
  const plan = releasePlan(target, environment)
  const planned = plan.find(({ definition }) => definition.name === name)
  return planned && decideAttribute(planned, subject, target, environment).values[0]
}
