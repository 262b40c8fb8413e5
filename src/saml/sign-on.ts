import type { IndexedEndpoint, ServiceProvider } from '../federation/service.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { chooseAssertionConsumerService } from './assertion-consumer-service.ts'
import { satisfyAuthnContext } from './authn-context.ts'
import {
  type AuthnRequest,
  checkSupported,
  openSubject,
  type RequestedAuthnContext,
  readAuthnRequest,
} from './authn-request.ts'
import { chooseNameIdFormat, type MayTell } from './name-id.ts'
import type { ReceivedMessage } from './redirect-binding.ts'
import { type RequestBinding, requireSignature, takeRequest } from './request-intake.ts'
import { checkRequestMessage, checkVersion } from './request-message.ts'
import type { FindServiceProvider } from './service-lookup.ts'
import { SamlStatusError } from './status-response.ts'
import { authnContextClasses } from './uris.ts'

/** What is needed to answer once somebody is signed in. JSON: it travels in the sealed login flow. */
export interface SignOn {
  /** ID of the AuthnRequest; absent when unsolicited. */
  readonly requestId?: string
  /** Location of the AssertionConsumerService. */
  readonly destination: string
  readonly relayState?: string
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly nameIdFormat: string
  readonly requestedAuthnContext?: RequestedAuthnContext
  readonly attributeConsumingServiceIndex?: number
  /** The one NameID value that will do, in nameIdFormat. */
  readonly subjectNameId?: string
  /** When it was asked for, where the flow was sealed anew on the way. Milliseconds. */
  readonly askedAt?: number
}

/** A request whose service and place of answer are sure: from here on, errors go to the service. */
export interface AcceptedRequest {
  readonly sp: ServiceProvider
  readonly request: AuthnRequest
  readonly assertionConsumerService: IndexedEndpoint
}

/** The strongest class that anybody can reach by signing in here. */
const strongestClass = authnContextClasses.passwordProtectedTransport

/**
 * Everything that has to hold before an AuthnRequest is believed at all (Core 3.4.1, Profiles
 * 4.1.4.1, saml2int SDP-IDP02 to 06).
 *
 * @throws {IdpError} shown to the person here: the message is broken, not for us, not from whom it
 *   says, or asks for an answer at an address that is not registered
 */
export async function acceptAuthnRequest(
  message: ReceivedMessage,
  options: {
    readonly binding: RequestBinding
    readonly find: FindServiceProvider
    /** The URL of the endpoint that received it. */
    readonly destination: string
    readonly now: Date
    readonly clockSkewMs: number
    /** What opens an encrypted Subject: KeyRing.decrypting(). */
    readonly decryptionKeys?: readonly SigningKey[]
  },
): Promise<AcceptedRequest> {
  const { binding, find, now } = options
  const { request, sp, isSigned } = await takeRequest(message, {
    name: 'AuthnRequest',
    read: readAuthnRequest,
    binding,
    find,
    now,
  })
  if (sp.authnRequestsSigned) requireSignature(sp, isSigned)
  checkRequestMessage(request, { ...options, isSigned })
  const assertionConsumerService = chooseAssertionConsumerService(sp, request)
  const opened = openSubject(request, isSigned, options.decryptionKeys ?? [])
  return { sp, request: opened, assertionConsumerService }
}

/**
 * Settles what the request asks for, before anybody is asked for a password in vain.
 *
 * @throws {SamlStatusError} what we cannot do, to be told to the service
 */
export function planSignOn(
  { sp, request, assertionConsumerService }: AcceptedRequest,
  relayState: string | undefined,
  mayTell?: MayTell,
): SignOn {
  checkVersion(request)
  checkSupported(request)
  const { subject, requestedAuthnContext, nameIdPolicy } = request
  const policy =
    subject && !nameIdPolicy?.format
      ? { allowCreate: false, ...nameIdPolicy, format: subject.format }
      : nameIdPolicy
  const nameIdFormat = chooseNameIdFormat(sp, policy, mayTell)
  if (satisfyAuthnContext(requestedAuthnContext, strongestClass) === undefined) {
    throw noAuthnContext()
  }
  return {
    requestId: request.id,
    destination: assertionConsumerService.location,
    relayState,
    forceAuthn: request.forceAuthn,
    isPassive: request.isPassive,
    nameIdFormat,
    requestedAuthnContext,
    attributeConsumingServiceIndex: request.attributeConsumingServiceIndex,
    subjectNameId: subject?.value,
  }
}

/**
 * A sign-on that no service asked for, started by a link (the profile calls it unsolicited).
 *
 * @param shire the AssertionConsumerService wanted, by the name it has in links for Shibboleth
 * @throws {IdpError} SAML_ENDPOINT_NOT_REGISTERED, SAML_BINDING_UNSUPPORTED
 */
export function planUnsolicitedSignOn(
  sp: ServiceProvider,
  target: string | undefined,
  shire: string | undefined,
  mayTell?: MayTell,
): SignOn {
  const endpoint = chooseAssertionConsumerService(sp, { assertionConsumerServiceUrl: shire })
  return {
    destination: endpoint.location,
    relayState: target,
    forceAuthn: false,
    isPassive: false,
    nameIdFormat: chooseNameIdFormat(sp, undefined, mayTell),
  }
}

/** IsPassive forbids the page that would have to be shown (Core 3.4.1). */
export function noPassive(): SamlStatusError {
  return new SamlStatusError('SAML_PASSIVE_IMPOSSIBLE', {
    code: 'Responder',
    secondLevel: 'NoPassive',
    message: 'Nobody can be signed in without being asked',
  })
}

export function noAuthnContext(): SamlStatusError {
  return new SamlStatusError('SAML_AUTHN_CONTEXT_UNSUPPORTED', {
    code: 'Responder',
    secondLevel: 'NoAuthnContext',
    message: 'The requested authentication context cannot be met',
  })
}

/** The person does not want that anything goes to the service (Core 3.2.2.2). */
export function requestDenied(): SamlStatusError {
  return new SamlStatusError('SAML_CONSENT_REFUSED', {
    code: 'Responder',
    secondLevel: 'RequestDenied',
    message: 'The person did not agree that data goes to this service',
  })
}

/** The request named a Subject, and somebody else is signed in (Core 3.4.1). */
export function unknownPrincipal(): SamlStatusError {
  return new SamlStatusError('SAML_PRINCIPAL_UNKNOWN', {
    code: 'Responder',
    secondLevel: 'UnknownPrincipal',
    message: 'The requested subject is not the one that is signed in',
  })
}
