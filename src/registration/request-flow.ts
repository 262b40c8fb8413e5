import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { serviceId } from '../federation/service.ts'
import { randomToken } from '../keys/random-token.ts'
import type { Language } from '../web/language.ts'
import type { RegistrationCheck } from './check-registration.ts'
import { type MailContext, sendRegistrationMail } from './registration-mail.ts'
import type { RegistrationRequest } from './request-model.ts'
import { hostOf, readRequest } from './request-reading.ts'
import {
  assertRoomToWait,
  countedBy,
  hasRoomToConfirm,
  replaceEarlier,
  withdraw,
} from './request-room.ts'
import {
  findByLink,
  insertRequest,
  moveRequest,
  registrationRequests,
  tokenHmac,
} from './request-store.ts'

export type FlowContext = MailContext & Pick<AppContext, 'now' | 'secrets' | 'audit'>

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** A link in a mail waits over a weekend. */
export const linkMs = 3 * dayMs
/** What nobody confirmed is of use to nobody. */
const unconfirmedKeptMs = linkMs + dayMs
/** Administrators may take their time; the service can look its request up as long. */
const keptMs = 365 * dayMs

const after = (now: Date, ms: number) => new Date(now.getTime() + ms)

/** Where a link leads, its token in the query: paths are logged. */
const linkUrl = (context: FlowContext, path: string, token: string) =>
  `${context.config.baseUrl}${path}?token=${token}`

export const confirmPath = '/federation/register/confirm'
export const requestPath = '/federation/request'

export interface GoodCheck extends RegistrationCheck {
  readonly service: NonNullable<RegistrationCheck['service']>
  readonly metadata: string
  readonly contact: string
}

/** The check that a request can begin with. */
export function isGoodCheck(check: RegistrationCheck): check is GoodCheck {
  return (
    check.isGood &&
    check.service !== undefined &&
    check.metadata !== undefined &&
    check.contact !== undefined
  )
}

/**
 * Keeps the request and writes to the contact. Until the link in that mail is used it counts for
 * nothing, and hinders nobody else's request for the same service.
 *
 * @returns undefined when the mail cannot be sent: then nothing is kept
 * @throws {IdpError} REGISTRATION_FULL, REGISTRATION_TOO_MANY_WAITING
 */
export async function beginRequest(
  context: FlowContext,
  check: GoodCheck,
  options: { reasons: Readonly<Record<string, string>>; language: Language },
): Promise<RegistrationRequest | undefined> {
  const now = context.now()
  const token = randomToken()
  const { service, metadata, contact, running } = check
  const { language, reasons } = options
  const counted = countedBy(metadata, contact)
  if (!(await hasRoomToConfirm(counted))) {
    context.log.warn('registration requests that nobody confirms fill their room')
    throw new IdpError('REGISTRATION_FULL', 'too many requests wait for their contacts', {
      status: 503,
    })
  }
  await assertRoomToWait(counted, serviceId(service))
  const request = await insertRequest({
    protocol: service.protocol,
    serviceId: serviceId(service),
    kind: running ? 'update' : 'new',
    state: 'unconfirmed',
    metadata,
    ...counted,
    reasons,
    contact,
    language,
    linkHmac: tokenHmac(context, 'link', token),
    linkUntil: after(now, linkMs),
    createdAt: now,
    forgottenAt: after(now, unconfirmedKeptMs),
  })
  const state = await sendRegistrationMail(context, {
    to: contact,
    text: running ? 'confirmUpdate' : 'confirm',
    language,
    reference: request._id,
    values: {
      host: hostOf(service),
      id: request.serviceId,
      url: linkUrl(context, confirmPath, token),
    },
    secret: token,
  })
  if (state === 'failed') {
    await registrationRequests().deleteOne({ _id: request._id, state: 'unconfirmed' })
    return undefined
  }
  context.audit.record({
    event: 'registration.request',
    result: 'success',
    service: request.serviceId,
    details: { reference: request._id, kind: request.kind },
  })
  return request
}

/**
 * The contact says that the request is theirs: from now on it waits for an administrator. The link
 * is used up; the request's page has a link of its own, which goes to the contact alone.
 *
 * @returns the token of the request's page
 * @throws {IdpError} REGISTRATION_LINK_INVALID, REGISTRATION_CHANGED_MEANWHILE, and
 *   REGISTRATION_FULL or REGISTRATION_TOO_MANY_WAITING, after which the link still works
 */
export async function confirmRequest(
  context: FlowContext,
  linkToken: unknown,
): Promise<{ request: RegistrationRequest; stateToken: string }> {
  const seen = await findByLink(context, linkToken)
  await assertRoomToWait(countedBy(seen.metadata, seen.contact), seen.serviceId)
  const stateToken = randomToken()
  const now = context.now()
  const request = await moveRequest(
    seen,
    {
      state: 'waiting',
      confirmedAt: now,
      confirmedBy: 'mail',
      stateHmac: tokenHmac(context, 'state', stateToken),
      forgottenAt: after(now, keptMs),
    },
    ['linkHmac', 'linkUntil'],
  )
  await replaceAndTell(context, request)
  await announceWaiting(context, request, stateToken)
  return { request, stateToken }
}

/** What is asked for anew is no longer asked for as before. */
async function replaceAndTell(context: FlowContext, request: RegistrationRequest): Promise<void> {
  for (const reference of await replaceEarlier(request, context.now())) {
    context.audit.record({
      event: 'registration.withdraw',
      result: 'success',
      service: request.serviceId,
      details: { reference, replacedBy: request._id },
    })
  }
}

/** A client that proved itself by its registration access token asks for a change. */
export async function beginProvenUpdate(
  context: FlowContext,
  check: GoodCheck,
): Promise<{ request: RegistrationRequest; stateToken: string }> {
  const now = context.now()
  const stateToken = randomToken()
  const counted = countedBy(check.metadata, check.contact)
  await assertRoomToWait(counted, serviceId(check.service))
  const request = await insertRequest({
    protocol: check.service.protocol,
    serviceId: serviceId(check.service),
    kind: 'update',
    state: 'waiting',
    metadata: check.metadata,
    ...counted,
    reasons: {},
    contact: check.contact,
    language: 'en',
    stateHmac: tokenHmac(context, 'state', stateToken),
    createdAt: now,
    confirmedAt: now,
    confirmedBy: 'token',
    forgottenAt: after(now, keptMs),
  })
  await replaceAndTell(context, request)
  await announceWaiting(context, request, stateToken)
  return { request, stateToken }
}

async function announceWaiting(
  context: FlowContext,
  request: RegistrationRequest,
  stateToken: string,
): Promise<void> {
  const { _id: reference, contact, language, serviceId: id, kind, confirmedBy } = request
  context.audit.record({
    event: 'registration.confirm',
    result: 'success',
    service: id,
    details: { reference, kind, by: confirmedBy ?? '' },
  })
  const host = hostOf((await readRequest(request)).wanted)
  const { institution } = context
  await Promise.all([
    sendRegistrationMail(context, {
      to: contact,
      text: 'confirmed',
      language,
      reference,
      values: { host, id, url: linkUrl(context, requestPath, stateToken) },
      secret: stateToken,
    }),
    sendRegistrationMail(context, {
      to: institution.technicalContact.email,
      text: 'admin',
      language: 'el',
      reference,
      values: { host, id },
    }),
  ])
}

/** @throws {IdpError} REGISTRATION_CHANGED_MEANWHILE when it does not wait any more */
export async function withdrawRequest(
  context: FlowContext,
  request: RegistrationRequest,
): Promise<void> {
  if (request.state !== 'waiting') {
    throw new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${request._id} is ${request.state}`, {
      status: 409,
    })
  }
  await withdraw(request, context.now())
  context.audit.record({
    event: 'registration.withdraw',
    result: 'success',
    service: request.serviceId,
    details: { reference: request._id },
  })
}
