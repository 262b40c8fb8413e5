import { identifierValue, mayIdentify } from './identifier.ts'
import { pairwiseValue } from './pairwise.ts'
import type { AttributeEnvironment, AttributeSubject, ReleaseTarget } from './release-types.ts'

/** In an administrator's choice: an identifier that no other service knows. */
export const pairwiseUser = 'pairwise'

/** Every CAS service expects the username, so it goes unless somebody decided otherwise. */
const usualAttribute = 'uid'

/**
 * The attribute whose value goes as the user: the administrator's choice, else the username.
 * undefined: the pairwise identifier, also when a preset or a block leaves no room for the attribute.
 */
export function casUserAttribute(target: ReleaseTarget): string | undefined {
  const { userAttribute: chosen = usualAttribute, block } = target.overrides
  if (chosen === pairwiseUser || block?.includes(chosen)) return undefined
  // An administrator who chose it means it to go past the preset.
  const isChosen = target.overrides.userAttribute !== undefined
  return isChosen || mayIdentify(chosen, target) ? chosen : undefined
}

/** What the service knows the person by; undefined when the chosen attribute has no value. */
export function casUser(
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): string | undefined {
  const name = casUserAttribute(target)
  return name === undefined
    ? pairwiseValue(environment.pairwiseKey, subject.person._id, target.id)
    : casUserValue(name, subject, target, environment)
}

/** The value of casUserAttribute() for this person. */
export function casUserValue(
  name: string,
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): string | undefined {
  const { userAttribute: chosen } = target.overrides
  const to = chosen === undefined ? target : { ...target, preset: undefined }
  return identifierValue(name, subject, to, environment)
}
