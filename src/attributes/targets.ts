import type {
  AttributeConsumingService,
  CasService,
  RegisteredService,
  RelyingParty,
  RequestedAttribute,
  ServiceProvider,
} from '../federation/service.ts'
import { selfOrigin } from '../federation/service.ts'
import { attributeBySamlName } from './attribute-table.ts'
import { appliedCategories, claimedCategories } from './entity-categories.ts'
import { choosePreset } from './presets/choose-preset.ts'
import type { AttributeEnvironment, ReleaseTarget } from './release-types.ts'
import { claimsOfScopes } from './scopes.ts'

/** Registrar of the Greek federation (Delos): its services are at home. */
const greekRegistrationAuthority = 'http://aai.grnet.gr/'

/** Combinations of scopes that one client uses: a hostile one must not fill the memory. */
const maxTargetsOfClient = 50

/** By service, and in it by what it asks for: kept as long as the service is. */
interface Targets {
  readonly saml: WeakMap<ServiceProvider, Map<number | undefined, ReleaseTarget>>
  readonly oidc: WeakMap<RelyingParty, Map<string, ReleaseTarget>>
  readonly cas: WeakMap<CasService, ReleaseTarget>
}

/** Presets are part of the environment, so each has its own targets. */
const targetsIn = new WeakMap<AttributeEnvironment, Targets>()

/**
 * A SAML service as the release rules see it, for the AttributeConsumingService that the
 * AuthnRequest names by index. Kept as long as the service object itself.
 */
export function samlReleaseTarget(
  sp: ServiceProvider,
  environment: AttributeEnvironment,
  attributeConsumingServiceIndex?: number,
): ReleaseTarget {
  const chosen = chooseAttributeConsumingService(sp, attributeConsumingServiceIndex)
  const { saml: kept } = targetsOf(environment)
  let targets = kept.get(sp)
  if (!targets) {
    targets = new Map()
    kept.set(sp, targets)
  }
  let target = targets.get(chosen?.index)
  if (!target) {
    const isForeign = isRegisteredAbroad(sp)
    const { entityCategories, foreignRequests } = environment.institution.release ?? {}
    const known = presetAndForms(sp, environment)
    target = {
      protocol: 'saml',
      id: sp.entityId,
      requestedAttributes: chosen?.requestedAttributes ?? [],
      entityCategories: sp.entityCategories,
      // A preset says all that goes.
      ...(!known.preset && {
        categories: appliedCategories(
          sp.entityCategories,
          entityCategories,
          sp.overrides.categories ?? (sp.origin === selfOrigin ? [] : undefined),
        ),
        isAnonymous: claimedCategories(sp.entityCategories).includes('anonymous'),
        needsCategory: isForeign && foreignRequests !== true,
      }),
      subjectIdRequirement: sp.subjectIdRequirement,
      audience: isForeign ? 'international' : 'national',
      ...known,
      overrides: sp.overrides,
    }
    targets.set(chosen?.index, target)
  }
  return target
}

/** What a federation's aggregate does not say it registered, nobody at home did. */
function isRegisteredAbroad({ registrationAuthority, origin }: ServiceProvider): boolean {
  return registrationAuthority === undefined
    ? origin?.startsWith('federation:') === true
    : registrationAuthority !== greekRegistrationAuthority
}

function targetsOf(environment: AttributeEnvironment): Targets {
  let targets = targetsIn.get(environment)
  if (!targets) {
    targets = { saml: new WeakMap(), oidc: new WeakMap(), cas: new WeakMap() }
    targetsIn.set(environment, targets)
  }
  return targets
}

function presetAndForms(
  service: RegisteredService,
  environment: AttributeEnvironment,
): Pick<ReleaseTarget, 'preset' | 'forms'> {
  const preset = choosePreset(service, environment)?.preset
  return preset ? { preset, forms: preset.forms } : {}
}

/**
 * SAML Metadata 2.4.4: the one of that index, else the one marked isDefault, else the first. An
 * index that the metadata lacks falls back to the default: the request may only choose among what
 * the metadata asks for, so a wrong choice gains nothing.
 */
export function chooseAttributeConsumingService(
  sp: Pick<ServiceProvider, 'attributeConsumingServices'>,
  index?: number,
): AttributeConsumingService | undefined {
  const { attributeConsumingServices: services } = sp
  const byIndex = index === undefined ? undefined : services.find((one) => one.index === index)
  return byIndex ?? services.find(({ isDefault }) => isDefault) ?? services[0]
}

export interface OidcRequest {
  readonly scopes: readonly string[]
  /** Claims asked for one by one in the `claims` parameter (OpenID Connect Core 5.5). */
  readonly claims?: readonly { readonly name: string; readonly isEssential?: boolean }[]
}

/**
 * A relying party as the release rules see it: what it asks for now, never more than the scopes
 * that it is registered for. Kept as long as the client object itself.
 */
export function oidcReleaseTarget(
  rp: RelyingParty,
  environment: AttributeEnvironment,
  request: OidcRequest,
): ReleaseTarget {
  const key = JSON.stringify([request.scopes, request.claims ?? []])
  const { oidc: kept } = targetsOf(environment)
  let targets = kept.get(rp)
  if (!targets || targets.size >= maxTargetsOfClient) {
    targets = new Map()
    kept.set(rp, targets)
  }
  let target = targets.get(key)
  if (!target) {
    target = {
      protocol: 'oidc',
      id: rp.clientId,
      requestedAttributes: requestedClaims(rp, request),
      entityCategories: [],
      audience: 'national',
      ...presetAndForms(rp, environment),
      overrides: rp.overrides,
    }
    targets.set(key, target)
  }
  return target
}

/**
 * A CAS service as the release rules see it: CAS requests name no attributes, so what its
 * registration names counts. Kept as long as the service object itself.
 */
export function casReleaseTarget(
  service: CasService,
  environment: AttributeEnvironment,
): ReleaseTarget {
  const { cas: kept } = targetsOf(environment)
  let target = kept.get(service)
  if (!target) {
    target = {
      protocol: 'cas',
      id: service.pattern.text,
      requestedAttributes: service.requestedAttributes,
      entityCategories: [],
      audience: 'national',
      ...presetAndForms(service, environment),
      overrides: service.overrides,
    }
    kept.set(service, target)
  }
  return target
}

/**
 * The service's release without a request of its own at hand: its default AttributeConsumingService,
 * or all scopes that the client is registered for.
 */
export function usualReleaseTarget(
  service: RegisteredService,
  environment: AttributeEnvironment,
  scopes?: readonly string[],
): ReleaseTarget {
  switch (service.protocol) {
    case 'saml':
      return samlReleaseTarget(service, environment)
    case 'oidc':
      return oidcReleaseTarget(service, environment, {
        scopes: scopes ?? registeredScopes(service),
      })
    case 'cas':
      return casReleaseTarget(service, environment)
  }
}

function requestedClaims(rp: RelyingParty, { scopes, claims = [] }: OidcRequest) {
  const registered = registeredScopes(rp)
  const permitted = claimsOfScopes(registered)
  const requested: RequestedAttribute[] = []
  for (const [name, scope] of claimsOfScopes(scopes.filter((one) => registered.includes(one)))) {
    requested.push({ name, isRequired: false, scope })
  }
  for (const { name, isEssential } of claims) {
    if (permitted.has(name)) requested.push({ name, isRequired: isEssential ?? false })
  }
  return requested
}

/** `scope` of the client's registration (RFC 7591); without it a client gets `sub` alone. */
export function registeredScopes(rp: Pick<RelyingParty, 'metadata'>): readonly string[] {
  const { scope } = rp.metadata
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : ['openid']
}

/**
 * Attribute Names that the service asks for and neither this table nor the institution has, for
 * whoever registers it.
 */
export function unknownRequestedAttributes(
  sp: Pick<ServiceProvider, 'attributeConsumingServices'>,
  { samlNames = {} }: Pick<AttributeEnvironment, 'samlNames'>,
): readonly string[] {
  const ours = new Set(Object.values(samlNames))
  const names = sp.attributeConsumingServices.flatMap(({ requestedAttributes }) =>
    requestedAttributes.map(({ name }) => name),
  )
  return [...new Set(names)].filter((name) => !attributeBySamlName(name) && !ours.has(name))
}
