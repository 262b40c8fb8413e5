import { casUser } from '../attributes/cas-user.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment, ReleasedAttribute } from '../attributes/release-types.ts'
import { casReleaseTarget } from '../attributes/targets.ts'
import { leaving } from '../consent/release-ref.ts'
import type { AppContext } from '../context.ts'
import { type CasService, serviceId } from '../federation/service.ts'
import { findCasServiceFor } from '../federation/service-store.ts'
import { recordService, sessionExists } from '../sso/sessions.ts'
import { casReleaseRef } from './release-ref.ts'
import { isSameService } from './service-address.ts'
import { type TicketRecord, visits } from './ticket-model.ts'
import { isTicket, takeTicket } from './ticket-store.ts'
import { loadTicketSubject } from './ticket-subject.ts'

/** CAS Protocol 2.5.3 and 2.7.3. */
export type FailureCode =
  | 'INVALID_REQUEST'
  | 'INVALID_TICKET_SPEC'
  | 'UNAUTHORIZED_SERVICE_PROXY'
  | 'INVALID_PROXY_CALLBACK'
  | 'INVALID_TICKET'
  | 'INVALID_SERVICE'
  | 'INTERNAL_ERROR'
  | 'UNAUTHORIZED_SERVICE'

/** What a service is told that cannot be served. English, for its operator. */
export class ValidationFailure extends Error {
  override readonly name = 'ValidationFailure'
  readonly code: FailureCode

  constructor(code: FailureCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface ValidationRequest {
  readonly service?: string
  readonly ticket?: string
  /** The ticket must come from a password that was typed for it. */
  readonly renew: boolean
  /** Whether a proxy ticket will do. */
  readonly takesProxies: boolean
}

/** What a valid ticket says. */
export interface Validated {
  readonly service: CasService
  readonly record: TicketRecord
  readonly user: string
  readonly username: string
  readonly attributes: readonly ReleasedAttribute[]
  /** Names of all that goes, what the user is made of included. */
  readonly names: readonly string[]
}

/**
 * Validates a ticket, which is used up by that whatever comes of it (CAS Protocol 2.5, 3.1.1). What
 * is told is read afresh: an account that was disabled, or a sign-in that ended since the ticket was
 * made, is the same as no ticket.
 *
 * @throws {ValidationFailure}
 */
export async function validateTicket(
  context: Pick<AppContext, 'now'>,
  environment: AttributeEnvironment,
  { service: address, ticket, renew, takesProxies }: ValidationRequest,
): Promise<Validated> {
  const now = context.now()
  // Used up first: by a request without a service too, and a proxy ticket where it is not taken.
  const isOne = ticket !== undefined && isTicket(ticket, 'ST', 'PT')
  const record = isOne ? await takeTicket(ticket, now) : undefined
  if (address === undefined || ticket === undefined) {
    throw new ValidationFailure('INVALID_REQUEST', 'service and ticket are both required')
  }
  if (!record) throw new ValidationFailure('INVALID_TICKET', 'the ticket is not known, or used up')
  if (record.kind === 'PT' && !takesProxies) {
    throw new ValidationFailure('INVALID_TICKET_SPEC', 'a proxy ticket is for proxyValidate')
  }
  if (!isSameService(record.service, address)) {
    throw new ValidationFailure('INVALID_SERVICE', 'the ticket was made for another service')
  }
  if (renew && !record.isFromNewLogin) {
    throw new ValidationFailure(
      'INVALID_TICKET_SPEC',
      'with renew a ticket must come from a password that was typed for it',
    )
  }
  const service = await findCasServiceFor(record.service)
  if (!service || serviceId(service) !== record.serviceId) {
    throw new ValidationFailure('INVALID_SERVICE', 'the service is not registered any more')
  }
  // Addresses that count as one could still be of two services: the ticket's may not be used at the other.
  const asking = await findCasServiceFor(address)
  if (!asking || serviceId(asking) !== record.serviceId) {
    throw new ValidationFailure('INVALID_SERVICE', 'the ticket was made for another service')
  }
  const subject = await loadTicketSubject(record.session, now)
  if (!subject) throw new ValidationFailure('INVALID_TICKET', 'the sign-in has ended')
  const target = casReleaseTarget(service, environment)
  const about = { ...subject, now, language: record.language }
  const user = casUser(about, target, environment)
  if (user === undefined) {
    throw new ValidationFailure('INTERNAL_ERROR', 'there is no identifier for this person')
  }
  const { attributes } = decideRelease(about, target, environment)
  const { disclosed } = record
  const going = disclosed
    ? attributes.filter(({ definition }) => disclosed.includes(definition.name))
    : attributes
  return {
    service,
    record,
    user,
    username: subject.account.username,
    attributes: going,
    names: leaving(
      going.map(({ definition }) => definition.name),
      casReleaseRef(target),
      target,
    ),
  }
}

/**
 * Written down so that the service can be told when the sign-in ends.
 *
 * @throws {ValidationFailure} INVALID_TICKET: it ended meanwhile
 */
export async function recordVisit(
  context: Pick<AppContext, 'now'>,
  ticket: string,
  { record }: Validated,
): Promise<void> {
  const { session, serviceId: id, service } = record
  const now = context.now()
  // No browser brought the person there, so nobody noted the service yet.
  if (record.kind === 'PT') await recordService(context, session, { protocol: 'cas', id })
  await visits().insertOne({
    _id: ticket,
    sessionId: session.id,
    serviceId: id,
    service,
    at: now,
    expiresAt: new Date(session.endsAt),
  })
  // Ended while this was written: whoever told the services may not have seen it.
  if (!(await sessionExists(session.id, now))) {
    throw new ValidationFailure('INVALID_TICKET', 'the sign-in has ended')
  }
}
