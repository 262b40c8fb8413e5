import type { RegisteredService } from '../../federation/service.ts'
import { serviceId } from '../../federation/service.ts'
import type { AttributeEnvironment, ServicePreset } from '../release-types.ts'

/** In an administrator's or the institution's choice: no preset, although one would fit. */
export const noPreset = 'none'

export interface ChosenPreset {
  readonly preset: ServicePreset
  /** Who chose it: an override, the institution file, or the service's addresses. */
  readonly by: 'administrator' | 'institution' | 'address'
}

/**
 * The preset that says what goes to the service: an administrator's choice, else the institution
 * file's, else the one whose hosts hold every address of the service.
 */
export function choosePreset(
  service: RegisteredService,
  { presets, institution }: Pick<AttributeEnvironment, 'presets' | 'institution'>,
): ChosenPreset | undefined {
  const id = serviceId(service)
  const ofInstitution = institution.release?.presets
  const choices = [
    ['administrator', service.overrides.preset],
    [
      'institution',
      ofInstitution && Object.hasOwn(ofInstitution, id) ? ofInstitution[id] : undefined,
    ],
  ] as const
  for (const [by, chosen] of choices) {
    if (chosen === noPreset) return undefined
    if (chosen !== undefined) return { preset: presetById(chosen, presets), by }
  }
  const preset = presetOfAddresses(addressesOf(service), presets)
  return preset && { preset, by: 'address' }
}

/** A preset that was chosen and is gone says nothing, so nothing goes: the metadata might say more. */
function presetById(id: string, presets: readonly ServicePreset[]): ServicePreset {
  return (
    presets.find((preset) => preset.id === id) ?? {
      id,
      name: { el: id, en: id },
      about: {
        el: 'Αυτή η προεπιλογή δεν υπάρχει πια, γι’ αυτό δεν δίνεται τίποτα.',
        en: 'This preset is not there any more, so nothing goes.',
      },
      hosts: [],
      disclosure: 'ask',
      legalGround: {
        basis: 'legitimate-interests',
        text: {
          el: 'Δεν έχει οριστεί. Ρωτήστε το Γραφείο Αρωγής.',
          en: 'Not stated. Ask the helpdesk.',
        },
      },
      attributes: [],
      basis: 'The file of this preset is missing: put it back into PRESETS_DIR, or choose another.',
    }
  )
}

/**
 * All of them: a service that has one address elsewhere could carry people's data there.
 * An OpenID Connect client's id is any text, so only where its codes go counts.
 */
function addressesOf(service: RegisteredService): readonly unknown[] {
  if (service.protocol === 'saml') {
    const { entityId, assertionConsumerServices } = service
    return [entityId, ...assertionConsumerServices.map(({ location }) => location)]
  }
  if (service.protocol === 'cas') {
    const { protocol, hostname } = service.pattern
    return [`${protocol}//${hostname}`]
  }
  const { redirect_uris: redirectUris } = service.metadata
  return Array.isArray(redirectUris) ? redirectUris : []
}

function presetOfAddresses(
  addresses: readonly unknown[],
  presets: readonly ServicePreset[],
): ServicePreset | undefined {
  const hostnames = addresses.map(httpsHostname)
  const [first] = hostnames
  if (first === undefined || hostnames.includes(undefined)) return undefined
  return (
    presets
      .filter(({ hosts }) =>
        hostnames.every((hostname) => hosts.some((host) => isUnder(hostname!, host))),
      )
      .map((preset) => {
        const lengths = preset.hosts
          .filter((host) => isUnder(first, host))
          .map(({ length }) => length)
        return { preset, nearness: Math.max(...lengths) }
      })
      // The nearest: a preset of okeanos.grnet.gr goes before one of grnet.gr.
      .sort((a, b) => b.nearness - a.nearness)[0]?.preset
  )
}

function httpsHostname(address: unknown): string | undefined {
  if (typeof address !== 'string' || !URL.canParse(address)) return undefined
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' ? hostname : undefined
}

function isUnder(hostname: string, host: string): boolean {
  return hostname === host || hostname.endsWith(`.${host}`)
}
