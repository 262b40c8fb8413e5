import type { Request, Response } from 'express'
import { disclosureOf } from '../attributes/disclosure.ts'
import { identifierValue } from '../attributes/identifier.ts'
import { pairwiseValue } from '../attributes/pairwise.ts'
import { decideRelease } from '../attributes/release.ts'
import type {
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from '../attributes/release-types.ts'
import { samlReleaseTarget } from '../attributes/targets.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import { checkDisclosure } from '../consent/check-disclosure.ts'
import type { CarriedDecision, ConsentQuestion } from '../consent/consent-flow.ts'
import { leaving, type SamlReleaseRef } from '../consent/release-ref.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { currentSession, sessionEnd } from '../sso/current-session.ts'
import { endSession, recordService, sessionIndexFor } from '../sso/sessions.ts'
import { provenSince, type SsoSession, useProof } from '../sso/sso-session.ts'
import { loadSubject, type SessionSubject } from '../sso/subject.ts'
import { languageOf } from '../web/language.ts'
import { renderPostForm } from '../web/post-form.ts'
import { buildResponse, type NameId } from './assertion.ts'
import { satisfyAuthnContext } from './authn-context.ts'
import { assertionEncryption, usesWeakCipher } from './encryption.ts'
import { identifyingAttribute, makeNameId, transientNameId } from './name-id.ts'
import {
  noAuthnContext,
  noPassive,
  requestDenied,
  type SignOn,
  unknownPrincipal,
} from './sign-on.ts'
import { buildStatusResponse, type SamlStatusError } from './status-response.ts'

/** The requesting service and how to answer it. */
export interface Pending {
  readonly sp: ServiceProvider
  readonly signOn: SignOn
  /** When the sign-on was asked for: a forced one needs a password proved since. Milliseconds. */
  readonly issuedAt: number
  /** What the person said at the consent page a moment ago; see carriedDecision(). */
  readonly decision?: (session: SsoSession) => CarriedDecision | undefined
}

/** What became of an answer; but for `answered` nothing has been sent. */
export type AnswerOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'consent'; readonly question: Omit<ConsentQuestion, 'next'> }

/**
 * Answers the service from the session that this browser has, unless somebody has to sign in first,
 * or has to see what would go.
 *
 * @throws {SamlStatusError} for answerWithStatus()
 */
export async function answerFromSession(
  context: AppContext,
  environment: AttributeEnvironment,
  request: Request,
  response: Response,
  pending: Pending,
): Promise<AnswerOutcome> {
  const { sp, signOn, issuedAt } = pending
  const session = currentSession(context, request)
  const isFresh = session && (!signOn.forceAuthn || provenSince(session, issuedAt))
  const subject = isFresh ? await loadSubject(context, request, session) : undefined
  if (!session || !subject) {
    if (signOn.isPassive) throw noPassive()
    // The account may no longer sign in: its session is worth nothing, and the sign-in page says why.
    if (isFresh) await endSession(context, request)
    return { kind: 'sign-in' }
  }
  const authnContextClassRef = satisfyAuthnContext(signOn.requestedAuthnContext, session.acr)
  if (!authnContextClassRef) throw noAuthnContext()

  const now = context.now()
  const target = samlReleaseTarget(sp, environment, signOn.attributeConsumingServiceIndex)
  const attributeSubject = { ...subject, now, language: languageOf(request) }
  const { attributes } = decideRelease(attributeSubject, target, environment)
  const nameId = nameIdFor(context, environment, { sp, signOn, session, attributeSubject, target })
  const disclosure = disclosureOf(target, environment.institution)
  const release = releaseRef(sp, signOn)
  // What the NameID alone tells is told too.
  const names = leaving(
    attributes.map(({ definition }) => definition.name),
    release,
    target,
  )
  if (disclosure !== 'silent') {
    const about = { personId: session.personId, release, attributes: names }
    const decision = pending.decision?.(session)
    const outcome = await checkDisclosure({
      ...about,
      sessionId: session.id,
      disclosure,
      decision,
      usesUp: true,
    })
    if (outcome.kind === 'refused') throw requestDenied()
    if (outcome.kind === 'show') {
      if (signOn.isPassive) throw noPassive()
      const onceSeconds = context.config.loginFlowSeconds
      return { kind: 'consent', question: { ...about, mode: outcome.mode, onceSeconds } }
    }
  }
  const encryption = assertionEncryption(sp)
  if (encryption && usesWeakCipher(encryption)) {
    context.log.warn({ service: sp.entityId }, 'service takes assertions in AES-CBC only')
  }
  const sessionIndex = sessionIndexFor(session, sp.entityId)
  const xml = await buildResponse(
    {
      issuer: environment.entityId,
      audience: sp.entityId,
      destination: signOn.destination,
      inResponseTo: signOn.requestId,
      nameId,
      sessionIndex,
      authnInstant: new Date(session.authnInstant),
      sessionNotOnOrAfter: sessionEnd(context, session),
      authnContextClassRef,
      attributes,
      now,
      clockSkewMs: context.config.clockSkewSeconds * 1000,
    },
    {
      key: context.keys.active('saml'),
      signAssertion: sp.overrides.signAssertions ?? sp.wantAssertionsSigned,
      encryption,
    },
  )
  const hasJoined = await recordService(context, session, {
    protocol: 'saml',
    id: sp.entityId,
    nameId: nameId.value,
    nameIdFormat: nameId.format,
    sessionIndex,
  })
  // Ended while this answer was made: the service gets no assertion.
  if (!hasJoined) {
    if (signOn.isPassive) throw noPassive()
    await endSession(context, request)
    return { kind: 'sign-in' }
  }
  context.audit.record({
    event: 'saml.response',
    result: 'success',
    ...whoAndWhere(request, sp, session, subject),
    details: {
      acr: authnContextClassRef,
      nameIdFormat: nameId.format,
      encrypted: encryption !== undefined,
      attributes: names,
    },
  })
  if (signOn.forceAuthn) useProof(session)
  post(request, response, signOn, xml)
  return { kind: 'answered' }
}

/**
 * Tells the service why there is no assertion.
 *
 * @param to where, from its metadata
 */
export async function answerWithStatus(
  context: AppContext,
  environment: AttributeEnvironment,
  request: Request,
  response: Response,
  error: SamlStatusError,
  to: { sp: ServiceProvider; signOn: Pick<SignOn, 'destination' | 'requestId' | 'relayState'> },
): Promise<void> {
  const { sp, signOn } = to
  const xml = await buildStatusResponse(
    {
      issuer: environment.entityId,
      destination: signOn.destination,
      inResponseTo: signOn.requestId,
      status: error.samlStatus,
      now: context.now(),
    },
    context.keys.active('saml'),
  )
  context.audit.record({
    event: 'saml.response',
    result: 'failure',
    reason: error.code,
    ...whoAndWhere(request, sp, request.session?.sso),
    details: { status: error.samlStatus.secondLevel ?? error.samlStatus.code },
  })
  post(request, response, signOn, xml)
}

/** Refusals that any stray visitor causes: in the log, but not worth a place in the audit log. */
const harmless: readonly string[] = [
  'SAML_MESSAGE_INVALID',
  'SAML_MESSAGE_TOO_LARGE',
  'SAML_REQUEST_EXPIRED',
]

/** Written down for messages that were refused before there was a service to answer. */
export function auditRefusal(context: AppContext, request: Request, error: unknown): void {
  if (!(error instanceof IdpError) || harmless.includes(error.code)) return
  context.audit.record({
    event: 'saml.request',
    result: 'failure',
    reason: error.code,
    ...requestOrigin(request),
    details: { message: error.message.slice(0, 300) },
  })
}

function nameIdFor(
  context: AppContext,
  environment: AttributeEnvironment,
  about: {
    sp: ServiceProvider
    signOn: SignOn
    session: SsoSession
    attributeSubject: AttributeSubject
    target: ReleaseTarget
  },
): NameId {
  const { sp, signOn, session, attributeSubject, target } = about
  /** One value of the table; an administrator who chose the format means it to go past the preset. */
  const attributeValue = (name: string) => {
    const isChosen = sp.overrides.nameIdFormat === signOn.nameIdFormat
    const to = isChosen ? { ...target, preset: undefined } : target
    return identifierValue(name, attributeSubject, to, environment)
  }
  const nameId = makeNameId(sp, signOn.nameIdFormat, {
    issuer: environment.entityId,
    transient: () => transientNameId(context.secrets.get('pairwise'), session.id, sp.entityId),
    persistent: () => pairwiseValue(environment.pairwiseKey, session.personId, sp.entityId),
    emailAddress: () => attributeValue('mail'),
    principalName: () => attributeValue('eduPersonPrincipalName'),
  })
  if (signOn.subjectNameId !== undefined && signOn.subjectNameId !== nameId.value) {
    throw unknownPrincipal()
  }
  return nameId
}

function releaseRef(sp: ServiceProvider, signOn: SignOn): SamlReleaseRef {
  return {
    protocol: 'saml',
    id: sp.entityId,
    attributeConsumingServiceIndex: signOn.attributeConsumingServiceIndex,
    identifier: identifyingAttribute(signOn.nameIdFormat),
  }
}

function whoAndWhere(
  request: Request,
  sp: ServiceProvider,
  session: SsoSession | undefined,
  subject?: SessionSubject,
) {
  return {
    personId: session?.personId,
    username: subject?.account.username ?? session?.username,
    service: sp.entityId,
    sessionId: session?.id,
    ...requestOrigin(request),
  }
}

function post(
  request: Request,
  response: Response,
  { destination, relayState }: Pick<SignOn, 'destination' | 'relayState'>,
  xml: string,
): void {
  renderPostForm(request, response, {
    action: destination,
    fields: { SAMLResponse: Buffer.from(xml), RelayState: relayState },
  })
}
