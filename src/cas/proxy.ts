import { disclosureOf } from '../attributes/disclosure.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { casReleaseTarget } from '../attributes/targets.ts'
import { checkDisclosure } from '../consent/check-disclosure.ts'
import { leaving } from '../consent/release-ref.ts'
import type { AppContext } from '../context.ts'
import { cleanUrl } from '../federation/cas-pattern.ts'
import { serviceId } from '../federation/service.ts'
import { findCasServiceFor } from '../federation/service-store.ts'
import { FetchError, fetchPublic, type PublicFetchOptions } from '../fetch/public-fetch.ts'
import { casReleaseRef } from './release-ref.ts'
import type { TicketSession } from './ticket-model.ts'
import {
  dropTicket,
  findGrantingTicket,
  issueTicket,
  isTicket,
  keepGranting,
  makeTicket,
} from './ticket-store.ts'
import { loadTicketSubject } from './ticket-subject.ts'
import { type Validated, ValidationFailure } from './validation.ts'

type ProxyContext = Pick<AppContext, 'config' | 'now' | 'log'>

/** So long a service may take to take its proxy-granting ticket; the one that validates waits. */
const callbackMs = 5_000
const maxCallbackBytes = 65_536

/** Services on the way from the person to the last one. */
const maxProxies = 5

/**
 * Whether this service may have a proxy-granting ticket sent there (CAS Protocol 2.5.4): an
 * administrator allowed it, and the address is https and the service's own.
 *
 * @throws {ValidationFailure} UNAUTHORIZED_SERVICE_PROXY, INVALID_PROXY_CALLBACK
 */
export async function assertMayProxy(
  pgtUrl: string,
  { service, record }: Validated,
): Promise<void> {
  if (service.overrides.allowProxy !== true) {
    throw new ValidationFailure(
      'UNAUTHORIZED_SERVICE_PROXY',
      'the service is not registered to get proxy tickets',
    )
  }
  const isOwn =
    cleanUrl(pgtUrl)?.protocol === 'https:' &&
    (await findCasServiceFor(pgtUrl))?.pattern.text === service.pattern.text
  if (!isOwn) {
    throw new ValidationFailure(
      'INVALID_PROXY_CALLBACK',
      'pgtUrl must be an https address that the service is registered with',
    )
  }
  if (record.proxies.length >= maxProxies) {
    throw new ValidationFailure(
      'UNAUTHORIZED_SERVICE_PROXY',
      `there are ${maxProxies} proxies on the way already`,
    )
  }
}

/**
 * Makes a proxy-granting ticket and hands it over at pgtUrl: the service shows that it is there by
 * taking it.
 *
 * @returns the IOU by which the service finds it; undefined when it could not be handed over, which
 *   leaves the validation a success without one (CAS Protocol 2.5.4)
 */
export async function grantProxying(
  context: ProxyContext,
  pgtUrl: string,
  { record, service }: Validated,
  options: Pick<PublicFetchOptions, 'resolve' | 'ca'> = {},
): Promise<string | undefined> {
  const iou = makeTicket('PGTIOU')
  const ticket = await issueTicket({
    ...record,
    kind: 'PGT',
    service: pgtUrl,
    serviceId: serviceId(service),
    proxies: [pgtUrl, ...record.proxies],
    expiresAt: grantingEnd(context, record.session),
  })
  const separator = pgtUrl.includes('?') ? '&' : '?'
  try {
    await fetchPublic(`${pgtUrl}${separator}pgtId=${ticket}&pgtIou=${iou}`, {
      accept: '*/*',
      maxBytes: maxCallbackBytes,
      timeoutMs: callbackMs,
      allowLoopback: context.config.fetchLoopback === 'true',
      ...options,
    })
    return iou
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    // Its message would hold the ticket.
    context.log.warn(
      { service: serviceId(service), reason: error.reason, host: new URL(pgtUrl).host },
      'a proxy-granting ticket could not be handed over',
    )
    await dropTicket(ticket)
    return undefined
  }
}

/**
 * A proxy ticket for another service, in the name of the person (CAS Protocol 2.7). The person is not
 * there to be asked, so a service that asks them gets one only when they agreed before.
 *
 * @throws {ValidationFailure}
 */
export async function issueProxyTicket(
  context: ProxyContext,
  environment: AttributeEnvironment,
  request: { readonly pgt?: string; readonly targetService?: string },
): Promise<string> {
  const { pgt, targetService } = request
  if (pgt === undefined || targetService === undefined) {
    throw new ValidationFailure('INVALID_REQUEST', 'pgt and targetService are both required')
  }
  const now = context.now()
  const granting = isTicket(pgt, 'PGT') ? await findGrantingTicket(pgt, now) : undefined
  const subject = granting && (await loadTicketSubject(granting.session, now))
  const proxying = granting && (await findCasServiceFor(granting.service))
  if (!granting || !subject || proxying?.pattern.text !== granting.serviceId) {
    throw new ValidationFailure(
      'INVALID_TICKET',
      'the proxy-granting ticket is not known, or ended',
    )
  }
  if (proxying.overrides.allowProxy !== true) {
    throw new ValidationFailure('UNAUTHORIZED_SERVICE', 'the service may not get proxy tickets')
  }
  const service = await findCasServiceFor(targetService)
  if (!service) {
    throw new ValidationFailure('UNAUTHORIZED_SERVICE', 'targetService is not registered')
  }
  const target = casReleaseTarget(service, environment)
  const disclosure = disclosureOf(target, environment.institution)
  const about = { ...subject, now, language: granting.language }
  const release = casReleaseRef(target)
  const names = decideRelease(about, target, environment).attributes
  const attributes = leaving(
    names.map(({ definition }) => definition.name),
    release,
    target,
  )
  const outcome = await checkDisclosure({
    personId: granting.session.personId,
    sessionId: granting.session.id,
    release,
    disclosure,
    attributes,
    usesUp: true,
  })
  if (outcome.kind !== 'go') {
    throw new ValidationFailure(
      'UNAUTHORIZED_SERVICE',
      'the person has not agreed that data goes to targetService',
    )
  }
  await keepGranting(granting, grantingEnd(context, granting.session))
  return issueTicket({
    ...granting,
    kind: 'PT',
    serviceId: serviceId(service),
    service: targetService,
    // It comes from no password that was typed for it.
    isFromNewLogin: false,
    disclosed: disclosure === 'silent' ? undefined : attributes,
    expiresAt: new Date(now.getTime() + context.config.casTicketSeconds * 1000),
  })
}

/** A proxy-granting ticket is idle as a sign-in is: unused for that time it ends, and with the sign-in. */
function grantingEnd({ config, now }: ProxyContext, { endsAt }: TicketSession): Date {
  const idleEndMs = now().getTime() + config.sessionIdleSeconds * 1000
  return new Date(Math.min(idleEndMs, endsAt.getTime()))
}
