import type { Disclosure, ServiceOverrides } from '../federation/service.ts'
import type { Institution } from '../institution.ts'
import type { ReleaseTarget } from './release-types.ts'

/** An administrator who decided what goes to a service has looked at it. */
const lookedAt: readonly (keyof ServiceOverrides)[] = ['release', 'block', 'preset', 'legalGround']

/**
 * What people see before their data goes to the service: an administrator's word, else the
 * preset's, else the institution's. Without any of them a service of another country's federation
 * that no administrator has looked at informs when all that goes goes by an entity category, whose
 * ground is not consent, and otherwise asks; all others are silent.
 */
export function disclosureOf(
  target: Pick<ReleaseTarget, 'overrides' | 'preset' | 'audience' | 'categories' | 'needsCategory'>,
  institution: Pick<Institution, 'release'>,
): Disclosure {
  const { overrides, preset, audience, categories = [], needsCategory } = target
  const said = overrides.disclosure ?? preset?.disclosure ?? institution.release?.disclosure
  if (said) return said
  const isStrange =
    audience === 'international' && lookedAt.every((field) => overrides[field] === undefined)
  if (!isStrange) return 'silent'
  return needsCategory && categories.length > 0 ? 'inform' : 'ask'
}
