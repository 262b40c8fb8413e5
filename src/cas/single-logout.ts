import { randomBytes } from 'node:crypto'
import type { ServiceRef } from '../consent/consent.ts'
import type { AppContext } from '../context.ts'
import { findCasService } from '../federation/service-store.ts'
import { FetchError } from '../fetch/public-fetch.ts'
import type { LogoutOutcome, TellService } from '../sso/logout-channels.ts'
import { postLogout } from '../sso/post-logout.ts'
import { escapeText } from '../xml/escape-xml.ts'
import { tickets, visits } from './ticket-model.ts'

/** A service that was entered more often in one sign-in hears of the latest. */
const maxTold = 20

/**
 * Tells a CAS service that sign-ins ended (CAS Protocol 2.3.3): a POST for each ticket that it
 * validated, to the address that the ticket was for, or to the one that it registered for this.
 */
export const tellCasService: TellService = async (context, session, service, signal) => {
  const registered = await findCasService(service.id)
  const entered = await visits()
    .find({ sessionId: session.id, serviceId: service.id })
    .sort({ at: -1 })
    .limit(maxTold)
    .toArray()
  if (entered.length === 0) return 'done'
  if (registered?.state !== 'approved') return 'impossible'
  const outcomes = await Promise.all(
    entered.map(({ _id: ticket, service: address }) =>
      post(context, registered.logoutUrl ?? address, ticket, signal),
    ),
  )
  await visits().deleteMany({ sessionId: session.id, serviceId: service.id })
  return worst(outcomes)
}

/**
 * Removes tickets of a session that ended. None would be taken any more (ticket-subject.ts); those
 * that were validated stay until their services have been told.
 */
export async function endTickets(session: { readonly id: string }): Promise<void> {
  await tickets().deleteMany({ 'session.id': session.id })
}

/** Ends what one service holds of a person: also the right to go to others in their name. */
export async function endTicketsOfService(personId: string, service: ServiceRef): Promise<void> {
  if (service.protocol !== 'cas') return
  await tickets().deleteMany({ 'session.personId': personId, serviceId: service.id })
}

async function post(
  context: AppContext,
  address: string,
  ticket: string,
  signal: AbortSignal,
): Promise<LogoutOutcome> {
  const logoutRequest = buildLogoutRequest(ticket, context.now())
  try {
    const status = await postLogout(
      context,
      address,
      { logoutRequest },
      // The demo's services are on this machine, and a demo is never in production.
      { signal, allowLoopback: context.config.demo },
    )
    // A page that knows nothing of it sends the browser to us to sign in: nothing ended there.
    return status >= 200 && status < 300 ? 'done' : 'failed'
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    const { host } = new URL(address)
    context.log.warn({ host, reason: error.reason }, 'a CAS service could not be told of a logout')
    return 'no-answer'
  }
}

const severity: readonly LogoutOutcome[] = ['done', 'failed', 'no-answer', 'impossible']

function worst(outcomes: readonly LogoutOutcome[]): LogoutOutcome {
  return severity[Math.max(...outcomes.map((outcome) => severity.indexOf(outcome)))] ?? 'done'
}

/** Clients look for the ticket by a pattern: prefixes and the form stay as CAS servers write them. */
export function buildLogoutRequest(ticket: string, now: Date): string {
  const id = `LR-${randomBytes(16).toString('hex')}`
  return (
    `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${id}" Version="2.0" IssueInstant="${now.toISOString()}">` +
    '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>' +
    `<samlp:SessionIndex>${escapeText(ticket)}</samlp:SessionIndex></samlp:LogoutRequest>`
  )
}
