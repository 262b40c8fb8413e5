import type { Request, Response } from 'express'
import { disclosureOf } from '../attributes/disclosure.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { casReleaseTarget } from '../attributes/targets.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import { checkDisclosure } from '../consent/check-disclosure.ts'
import type { CarriedDecision, ConsentQuestion } from '../consent/consent-flow.ts'
import { leaving } from '../consent/release-ref.ts'
import type { AppContext } from '../context.ts'
import { type CasService, serviceId } from '../federation/service.ts'
import { currentSession, sessionEnd } from '../sso/current-session.ts'
import { endSession, recordService } from '../sso/sessions.ts'
import { provenSince, type SsoSession, useProof } from '../sso/sso-session.ts'
import { loadSubject, type SessionSubject } from '../sso/subject.ts'
import { languageOf } from '../web/language.ts'
import { renderPostForm } from '../web/post-form.ts'
import { methodUnmet, provesMethod } from './authn-method.ts'
import type { CasLogin } from './login-request.ts'
import { casReleaseRef } from './release-ref.ts'
import { withTicket } from './service-address.ts'
import type { TicketSession } from './ticket-model.ts'
import { issueTicket } from './ticket-store.ts'

/** The requesting service and how to answer it. */
export interface PendingLogin {
  readonly service: CasService
  readonly login: CasLogin
  /** When it was asked for: renew needs a password proved since. Milliseconds. */
  readonly issuedAt: number
  /** What the person said at the consent page a moment ago; see carriedDecision(). */
  readonly decision?: (session: SsoSession) => CarriedDecision | undefined
}

/** What became of it; but for `answered` nothing has been sent. */
export type LoginOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'consent'; readonly question: Omit<ConsentQuestion, 'next'> }
  | { readonly kind: 'refused' }

/**
 * Sends the browser to the service with a ticket from the session that it has, unless somebody has to
 * sign in first, or has to see what would go. With gateway it goes there without a ticket instead.
 *
 * @throws {IdpError} CAS_AUTHN_METHOD_UNMET
 */
export async function answerFromSession(
  context: AppContext,
  environment: AttributeEnvironment,
  request: Request,
  response: Response,
  pending: PendingLogin,
): Promise<LoginOutcome> {
  const { service, login, issuedAt } = pending
  const session = currentSession(context, request)
  const isNew = session !== undefined && provenSince(session, issuedAt)
  const subject =
    session && (isNew || !login.renew) ? await loadSubject(context, request, session) : undefined
  if (!session || !subject) {
    if (login.gateway) return goBack(request, response, login)
    // The account may no longer sign in: its session is worth nothing, and the sign-in page says why.
    if (session && (isNew || !login.renew)) await endSession(context, request)
    return { kind: 'sign-in' }
  }
  const { authnMethod } = login
  if (authnMethod !== undefined && !provesMethod(session, authnMethod)) {
    if (login.gateway) return goBack(request, response, login)
    throw methodUnmet(authnMethod)
  }

  const target = casReleaseTarget(service, environment)
  const disclosure = disclosureOf(target, environment.institution)
  let disclosed: readonly string[] | undefined
  if (disclosure !== 'silent') {
    const subjectNow = { ...subject, now: context.now(), language: languageOf(request) }
    const { attributes } = decideRelease(subjectNow, target, environment)
    const release = casReleaseRef(target)
    disclosed = leaving(
      attributes.map(({ definition }) => definition.name),
      release,
      target,
    )
    const about = { personId: session.personId, release, attributes: disclosed }
    const outcome = await checkDisclosure({
      ...about,
      sessionId: session.id,
      disclosure,
      decision: pending.decision?.(session),
      usesUp: true,
    })
    if (outcome.kind !== 'go' && login.gateway) return goBack(request, response, login)
    if (outcome.kind === 'refused') {
      auditTicket(context, request, service, session, subject, 'CAS_CONSENT_REFUSED')
      return { kind: 'refused' }
    }
    if (outcome.kind === 'show') {
      const onceSeconds = context.config.loginFlowSeconds
      return { kind: 'consent', question: { ...about, mode: outcome.mode, onceSeconds } }
    }
  }
  const ticket = await issueTicket({
    kind: 'ST',
    serviceId: serviceId(service),
    service: login.service,
    session: ticketSession(context, session),
    isFromNewLogin: isNew,
    authnMethod,
    disclosed,
    proxies: [],
    language: languageOf(request),
    expiresAt: new Date(context.now().getTime() + context.config.casTicketSeconds * 1000),
  })
  if (isNew) useProof(session)
  await recordService(context, session, { protocol: 'cas', id: serviceId(service) })
  auditTicket(context, request, service, session, subject)
  sendTicket(request, response, login, ticket)
  return { kind: 'answered' }
}

function ticketSession(context: AppContext, session: SsoSession): TicketSession {
  const { id, generation, personId, authnInstant, amr, acr } = session
  return {
    id,
    ...(generation !== undefined && { generation }),
    personId,
    authnInstant: new Date(authnInstant),
    amr,
    acr,
    endsAt: sessionEnd(context, session),
  }
}

function sendTicket(req: Request, res: Response, { service, method }: CasLogin, ticket: string) {
  if (method === 'POST') return renderPostForm(req, res, { action: service, fields: { ticket } })
  redirectToService(res, withTicket(service, ticket))
}

function goBack(req: Request, res: Response, { service, method }: CasLogin): LoginOutcome {
  if (method === 'POST') renderPostForm(req, res, { action: service, fields: {} })
  else redirectToService(res, service)
  return { kind: 'answered' }
}

function redirectToService(res: Response, address: string): void {
  // The address holds a ticket: no cache may keep it.
  res.set('Cache-Control', 'no-store')
  res.redirect(302, address)
}

function auditTicket(
  context: AppContext,
  request: Request,
  service: CasService,
  session: SsoSession,
  { account }: SessionSubject,
  reason?: string,
): void {
  context.audit.record({
    event: 'cas.ticket',
    result: reason === undefined ? 'success' : 'failure',
    ...(reason !== undefined && { reason }),
    personId: session.personId,
    username: account.username,
    service: serviceId(service),
    sessionId: session.id,
    ...requestOrigin(request),
  })
}
