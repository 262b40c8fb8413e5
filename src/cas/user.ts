import { identifierValue, mayIdentify } from '../attributes/identifier.ts'
import { pairwiseValue } from '../attributes/pairwise.ts'
import type {
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from '../attributes/release-types.ts'
import type { CasReleaseRef } from '../consent/release-ref.ts'

/** In an administrator's choice: an identifier that no other service knows. */
export const pairwiseUser = 'pairwise'

/** Every CAS service expects the username, so it goes unless somebody decided otherwise. */
const usualAttribute = 'uid'

/**
 * The attribute whose value goes as the user: the administrator's choice, else the username.
 * undefined: the pairwise identifier, also when a preset or a block leaves no room for the attribute.
 */
export function userAttribute(target: ReleaseTarget): string | undefined {
  const { userAttribute: chosen = usualAttribute, block } = target.overrides
  if (chosen === pairwiseUser || block?.includes(chosen)) return undefined
  // An administrator who chose it means it to go past the preset.
  const isChosen = target.overrides.userAttribute !== undefined
  return isChosen || mayIdentify(chosen, target) ? chosen : undefined
}

/** What the service knows the person by; undefined when the chosen attribute has no value. */
export function userFor(
  subject: AttributeSubject,
  target: ReleaseTarget,
  environment: AttributeEnvironment,
): string | undefined {
  const name = userAttribute(target)
  if (name === undefined) {
    return pairwiseValue(environment.pairwiseKey, subject.person._id, target.id)
  }
  const { userAttribute: chosen } = target.overrides
  const to = chosen === undefined ? target : { ...target, preset: undefined }
  return identifierValue(name, subject, to, environment)
}

export function casReleaseRef(target: ReleaseTarget): CasReleaseRef {
  const identifier = userAttribute(target)
  return { protocol: 'cas', id: target.id, ...(identifier !== undefined && { identifier }) }
}
