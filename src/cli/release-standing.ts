import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { disclosureOf } from '../attributes/disclosure.ts'
import { categoryRules } from '../attributes/entity-categories.ts'
import { choosePreset, noPreset } from '../attributes/presets/choose-preset.ts'
import type { ReleaseTarget } from '../attributes/release-types.ts'
import { usualReleaseTarget } from '../attributes/targets.ts'
import type { Disclosure, RegisteredService } from '../federation/service.ts'
import type { CliContext } from './cli-context.ts'

/** Which preset says what the service gets, by whom, and what people see before. */
export interface ReleaseStanding {
  readonly preset?: string
  readonly presetBy?: 'administrator' | 'institution' | 'address'
  readonly disclosure: Disclosure
}

type StandingContext = Pick<CliContext, 'config' | 'institution' | 'secrets'>

export function releaseStanding(
  service: RegisteredService,
  context: StandingContext,
): ReleaseStanding {
  const environment = attributeEnvironment(context)
  const chosen = choosePreset(service, environment)
  return {
    ...(chosen && { preset: chosen.preset.id, presetBy: chosen.by }),
    disclosure: disclosureOf(usualReleaseTarget(service, environment), environment.institution),
  }
}

const asksBy: Record<RegisteredService['protocol'], string> = {
  saml: 'its metadata asks for what it gets',
  oidc: 'its scopes say what it gets',
  cas: 'its registration names what it gets',
}

const chosenBy = {
  administrator: 'chosen by an administrator',
  institution: 'chosen in the institution file',
  address: 'all its addresses are at the hosts of the preset',
} as const

const disclosureTexts: Record<Disclosure, string> = {
  ask: 'People are asked before their data goes (ask).',
  inform: 'People see what goes before it does (inform).',
  silent: 'People see nothing before their data goes (silent).',
}

/** For whoever registers or approves the service. */
export function standingLines(
  service: RegisteredService,
  context: StandingContext,
): readonly string[] {
  const { preset, presetBy, disclosure } = releaseStanding(service, context)
  const target = usualReleaseTarget(service, attributeEnvironment(context))
  return [
    standingText(service, target, preset, presetBy),
    ...categoryLines(target),
    disclosureTexts[disclosure],
  ]
}

/** Metadata that a service brings itself may claim any category: whoever approves it vouches for them. */
function categoryLines({ categories = [] }: ReleaseTarget): readonly string[] {
  if (categories.length === 0) return []
  const titles = categories.map((name) => categoryRules[name].title).join(', ')
  return [`Entity categories that release attributes: ${titles}.`]
}

function standingText(
  { overrides, protocol }: RegisteredService,
  { needsCategory, categories = [] }: ReleaseTarget,
  preset: ReleaseStanding['preset'],
  presetBy: ReleaseStanding['presetBy'],
): string {
  const asked = needsCategory
    ? `another federation registered it, so it gets ${categories.length > 0 ? 'only what its categories give' : 'nothing that it asks for'}`
    : asksBy[protocol]
  if (preset && presetBy) return `Preset: ${preset} (${chosenBy[presetBy]}).`
  return overrides.preset === noPreset
    ? `Preset: none, by an administrator; ${asked}.`
    : `Preset: none; ${asked}.`
}
