import { hash } from 'node:crypto'
import { casUser } from '../attributes/cas-user.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { casReleaseTarget } from '../attributes/targets.ts'
import { isSameService, withTicket } from '../cas/service-address.ts'
import { isTicket, makeTicket } from '../cas/ticket-store.ts'
import { type Validated, ValidationFailure, type ValidationRequest } from '../cas/validation.ts'
import {
  cleanUrl,
  matchesCasPattern,
  pathAsWritten,
  pathAtItsLoosest,
} from '../federation/cas-pattern.ts'
import { type CasService, serviceId } from '../federation/service.ts'
import { authnContextClasses } from '../saml/uris.ts'
import { sandboxArtifacts } from './sandbox-trial-model.ts'
import { syntheticAccount, syntheticPerson } from './synthetic-person.ts'

/** Somebody reads the page before the ticket leaves. Seconds. */
const ticketSeconds = 600

export interface CasTrial {
  /** RegistrationRequest._id */
  readonly reference: string
  readonly service: CasService
  /** The sandbox's, see sandboxEnvironment(). */
  readonly environment: AttributeEnvironment
  readonly now: Date
}

/** By the rules of the real sign-in: an address that servers could read in two ways is nobody's. */
export function isAddressOf({ pattern }: CasService, address: string): boolean {
  const url = cleanUrl(address)
  return (
    url !== undefined &&
    [pathAsWritten, pathAtItsLoosest].every((read) => matchesCasPattern(pattern, url, read))
  )
}

const keyOf = (reference: string, ticket: string) =>
  `${reference}:CasTicket:${hash('sha256', ticket, 'base64url')}`

/**
 * A ticket of one request's sandbox, for one address. It is kept where real tickets are not, so no
 * address of the real CAS server knows it.
 *
 * @returns the address with the ticket, and the ticket
 */
export async function sandboxTicket(
  { reference, now }: Pick<CasTrial, 'reference' | 'now'>,
  address: string,
): Promise<{ readonly ticket: string; readonly location: string }> {
  const ticket = makeTicket('ST')
  await sandboxArtifacts().insertOne({
    _id: keyOf(reference, ticket),
    payload: JSON.stringify({ service: address }),
    expiresAt: new Date(now.getTime() + ticketSeconds * 1000),
  })
  return { ticket, location: withTicket(address, ticket) }
}

/** What the service would learn about the student who does not exist. */
export function sandboxFacts({ service, environment, now }: CasTrial) {
  const target = casReleaseTarget(service, environment)
  const subject = { account: syntheticAccount, person: syntheticPerson, now }
  return {
    user: casUser(subject, target, environment),
    attributes: decideRelease(subject, target, environment).attributes,
  }
}

/**
 * Validates a ticket of the sandbox, which is used up by that whatever comes of it, as the real ones
 * are. There is no proxying: nobody has decided on it yet.
 *
 * @throws {ValidationFailure}
 */
export async function validateSandboxTicket(
  trial: CasTrial,
  { service: address, ticket }: Pick<ValidationRequest, 'service' | 'ticket'>,
  pgtUrl?: string,
): Promise<Validated> {
  const { reference, service, now } = trial
  if (address === undefined || ticket === undefined) {
    throw new ValidationFailure('INVALID_REQUEST', 'service and ticket are both required')
  }
  const kept = isTicket(ticket, 'ST')
    ? await sandboxArtifacts().findOneAndDelete({ _id: keyOf(reference, ticket) })
    : undefined
  if (!kept || kept.expiresAt <= now) {
    throw new ValidationFailure('INVALID_TICKET', 'the ticket is not known, or used up')
  }
  const { service: made } = JSON.parse(kept.payload) as { service: string }
  if (!isSameService(made, address) || !isAddressOf(service, address)) {
    throw new ValidationFailure('INVALID_SERVICE', 'the ticket was made for another service')
  }
  if (pgtUrl !== undefined) {
    throw new ValidationFailure(
      'UNAUTHORIZED_SERVICE_PROXY',
      'the sandbox gives no proxy-granting tickets',
    )
  }
  const { user, attributes } = sandboxFacts(trial)
  if (user === undefined) {
    throw new ValidationFailure('INTERNAL_ERROR', 'there is no identifier for this person')
  }
  return {
    service,
    record: {
      _id: '',
      kind: 'ST',
      serviceId: serviceId(service),
      service: made,
      session: {
        id: 'sandbox',
        personId: syntheticPerson._id,
        authnInstant: now,
        amr: [],
        acr: authnContextClasses.unspecified,
        endsAt: kept.expiresAt,
      },
      isFromNewLogin: true,
      proxies: [],
      language: 'el',
      expiresAt: kept.expiresAt,
    },
    user,
    username: syntheticAccount.username,
    attributes,
    names: attributes.map(({ definition }) => definition.name),
  }
}
