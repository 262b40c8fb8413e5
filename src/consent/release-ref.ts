import { attributeByName } from '../attributes/attribute-table.ts'
import type { AttributeEnvironment, ReleaseTarget } from '../attributes/release-types.ts'
import { casReleaseTarget, oidcReleaseTarget, samlReleaseTarget } from '../attributes/targets.ts'
import type { RegisteredService } from '../federation/service.ts'
import {
  findCasService,
  findRelyingParty,
  findServiceProvider,
} from '../federation/service-store.ts'

/** A service and what it asked for, in JSON: from it a release is worked out again at any time. */
export type ReleaseRef = SamlReleaseRef | OidcReleaseRef | CasReleaseRef

export interface SamlReleaseRef {
  readonly protocol: 'saml'
  readonly id: string
  readonly attributeConsumingServiceIndex?: number
  /** Attribute whose value goes as the NameID, besides what the release rules say. */
  readonly identifier?: string
}

export interface OidcReleaseRef {
  readonly protocol: 'oidc'
  readonly id: string
  readonly scopes: readonly string[]
  readonly claims: readonly { readonly name: string; readonly isEssential: boolean }[]
}

export interface CasReleaseRef {
  readonly protocol: 'cas'
  /** The service's pattern. */
  readonly id: string
  /** Attribute whose value goes as the user, besides what the release rules say. */
  readonly identifier?: string
}

export interface OpenedRelease {
  readonly service: RegisteredService
  readonly target: ReleaseTarget
}

/** @returns undefined when the service is not registered, or waits for approval */
export async function openRelease(
  ref: ReleaseRef,
  environment: AttributeEnvironment,
  now: Date,
): Promise<OpenedRelease | undefined> {
  if (ref.protocol === 'saml') {
    const service = await findServiceProvider(ref.id, now)
    if (service?.state !== 'approved') return undefined
    const { attributeConsumingServiceIndex: index } = ref
    return { service, target: samlReleaseTarget(service, environment, index) }
  }
  if (ref.protocol === 'cas') {
    const service = await findCasService(ref.id)
    if (service?.state !== 'approved') return undefined
    return { service, target: casReleaseTarget(service, environment) }
  }
  const service = await findRelyingParty(ref.id)
  if (service?.state !== 'approved') return undefined
  return { service, target: oidcReleaseTarget(service, environment, ref) }
}

/**
 * The names of what really leaves, of those that the rules let go: OpenID Connect gives no claim
 * that the request did not name, and a NameID, or the user of CAS, may tell what no attribute does.
 */
export function leaving(
  names: readonly string[],
  ref: ReleaseRef,
  target: ReleaseTarget,
): readonly string[] {
  if (ref.protocol !== 'oidc') {
    const { identifier } = ref
    return identifier === undefined || names.includes(identifier) ? names : [...names, identifier]
  }
  const asked = new Set(target.requestedAttributes.map(({ name }) => name))
  return names.filter((name) => asked.has(attributeByName(name)?.claim ?? ''))
}
