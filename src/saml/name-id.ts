import type { ServiceProvider } from '../federation/service.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import type { NameId } from './assertion.ts'
import type { NameIdPolicy } from './authn-request.ts'
import { SamlStatusError } from './status-response.ts'
import { nameIdFormats } from './uris.ts'

/** Whether a service may be told an attribute of this name outside the attributes. */
export type MayTell = (attribute: string) => boolean

/** Where the values come from; each is asked for only when its format was chosen. */
export interface NameIdSource {
  /** Our entityID. */
  readonly issuer: string
  /** Stays with one service in one sign-in, says nothing elsewhere. */
  readonly transient: () => string
  /** Computed per service, for life. One case only: some services fold it (saml2int SDP-IDP12). */
  readonly persistent: () => string
  /** undefined when there is none, or it may not be given to this service. */
  readonly emailAddress: () => string | undefined
  /** What `unspecified` means between us and a service that insists on it: the principal name. */
  readonly principalName: () => string | undefined
}

/** To be had unlisted; the other formats tell who the person is, so the service's metadata must name them. */
const namelessFormats: readonly string[] = [nameIdFormats.transient, nameIdFormats.persistent]

/**
 * Settles the NameID format before anybody signs in.
 *
 * The request's NameIDPolicy decides; without one, an admin's override, then the first format in
 * the metadata that we have, then transient. emailAddress and unspecified are given only to a
 * service whose metadata (or an admin) names them, and not past its preset; persistent to none that
 * is in Anonymous Access. AllowCreate is not looked at: our persistent identifiers are computed, so
 * each exists already (Core 3.4.1.1).
 *
 * @param mayTell whether the service may have an attribute of this name as its NameID; asked unless
 *   an admin chose the format
 * @throws {SamlStatusError} SAML_NAMEID_POLICY_UNSUPPORTED, as Requester/InvalidNameIDPolicy
 */
export function chooseNameIdFormat(
  sp: ServiceProvider,
  policy: NameIdPolicy | undefined,
  mayTell: MayTell = () => true,
): string {
  const qualifier = policy?.spNameQualifier
  if (qualifier !== undefined && qualifier !== sp.entityId) {
    throw unsupported(`SPNameQualifier "${qualifier}" is not the requesting service`)
  }
  const registered = sp.nameIdFormats.filter(mayHave)
  if (sp.overrides.nameIdFormat) registered.unshift(sp.overrides.nameIdFormat)
  const available = registered.filter(isKnownFormat)
  const asked = policy?.format
  // unspecified in a policy leaves the choice to us (Core 3.4.1.1).
  if (asked === undefined || asked === nameIdFormats.unspecified) {
    return available[0] ?? nameIdFormats.transient
  }
  if (available.includes(asked)) return asked
  if (namelessFormats.includes(asked)) {
    if (mayHave(asked)) return asked
    throw unsupported(`NameID format ${asked} is given to no service in Anonymous Access`)
  }
  throw unsupported(
    isKnownFormat(asked)
      ? `NameID format ${asked} is given only to services whose metadata lists it`
      : `NameID format ${asked} is not supported`,
  )

  function mayHave(format: string): boolean {
    const told = format === nameIdFormats.persistent ? 'pairwise-id' : identifyingAttribute(format)
    return told === undefined || mayTell(told)
  }
}

/**
 * The NameID in the format that chooseNameIdFormat() settled.
 *
 * @throws {SamlStatusError} SAML_NAMEID_POLICY_UNSUPPORTED the person has no such value
 */
export function makeNameId(sp: ServiceProvider, format: string, source: NameIdSource): NameId {
  const qualifiers = { nameQualifier: source.issuer, spNameQualifier: sp.entityId }
  switch (format) {
    case nameIdFormats.transient:
      return { format, value: source.transient(), ...qualifiers }
    case nameIdFormats.persistent:
      return { format, value: source.persistent(), ...qualifiers }
    case nameIdFormats.emailAddress:
      return { format, value: present(source.emailAddress(), format) }
    case nameIdFormats.unspecified:
      return { format, value: present(source.principalName(), format) }
    default:
      throw unsupported(`NameID format ${format} is not supported`)
  }
}

/** The attribute that a NameID of this format tells; undefined for those that tell nothing. */
export function identifyingAttribute(format: string): string | undefined {
  if (format === nameIdFormats.emailAddress) return 'mail'
  return format === nameIdFormats.unspecified ? 'eduPersonPrincipalName' : undefined
}

/** A transient identifier: 160 bits that only the holder of `key` can tie to the session. */
export function transientNameId(key: Buffer, sessionId: string, entityId: string): string {
  const digest = keyedHash(key, `saml-transient\n${sessionId}\n${entityId}`).toString('hex')
  return `_${digest.slice(0, 40)}`
}

function isKnownFormat(format: string): boolean {
  return (Object.values(nameIdFormats) as string[]).includes(format)
}

function present(value: string | undefined, format: string): string {
  if (value) return value
  throw unsupported(`there is no value of format ${format} for this person and service`)
}

function unsupported(message: string): SamlStatusError {
  return new SamlStatusError('SAML_NAMEID_POLICY_UNSUPPORTED', {
    code: 'Requester',
    secondLevel: 'InvalidNameIDPolicy',
    message,
  })
}
