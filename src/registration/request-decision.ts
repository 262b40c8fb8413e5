import { IdpError } from '../errors.ts'
import { casServiceOf } from '../federation/cas-service.ts'
import {
  registerCasService,
  registerRelyingParty,
  registerServiceProvider,
} from '../federation/registration.ts'
import { selfOrigin } from '../federation/service.ts'
import type { ServiceRecord } from '../federation/service-model.ts'
import { findServiceProvider, toService } from '../federation/service-store.ts'
import { whoseAddress } from './read-cas.ts'
import { sendRegistrationMail } from './registration-mail.ts'
import type { FlowContext } from './request-flow.ts'
import type { RegistrationRequest } from './request-model.ts'
import { hostOf, readRequest, unregistered } from './request-reading.ts'
import { moveRequest } from './request-store.ts'
import { technicalContact } from './technical-contact.ts'

export interface Approval {
  /**
   * Entity categories that the service claims and that an administrator lets count. Absent: those that
   * counted before, so of a new service none.
   */
  readonly categories?: readonly string[]
}

/**
 * Registers what was asked for, approved. Of a request that was approved before, as after a crash
 * in between, the registration is done again, which changes nothing if it is there.
 *
 * @throws {IdpError} REGISTRATION_CHANGED_MEANWHILE when it may not be done as things are now, and
 *   METADATA_INVALID when the metadata has expired since
 */
export async function approveRequest(
  context: FlowContext,
  request: RegistrationRequest,
  { categories }: Approval = {},
): Promise<RegistrationRequest> {
  if (request.state !== 'waiting' && request.state !== 'approved') throw notWaiting(request)
  const { runningRecord } = await readRequest(request)
  const isDone = runningRecord?.origin === selfOrigin && runningRecord.metadata === request.metadata
  if (!isDone) {
    await assertMayRegister(request, runningRecord, context.now(), context.config.baseUrl)
  }
  const approved = await moveRequest(request, { state: 'approved', decidedAt: context.now() })
  if (isDone) return approved
  try {
    await register(approved, runningRecord, context.now(), categories)
  } catch (error) {
    await moveRequest(approved, { state: 'waiting' }, ['decidedAt'])
    throw error
  }
  context.audit.record({
    event: 'service.approve',
    result: 'success',
    service: request.serviceId,
    details: { reference: request._id, kind: request.kind, ...(categories && { categories }) },
  })
  await tell(context, approved, 'approved', {})
  return approved
}

/** @param reason the administrator's words, which the contact reads */
export async function rejectRequest(
  context: FlowContext,
  request: RegistrationRequest,
  reason: string,
): Promise<RegistrationRequest> {
  if (request.state !== 'waiting') throw notWaiting(request)
  const rejected = await moveRequest(request, {
    state: 'rejected',
    decidedAt: context.now(),
    decisionReason: reason,
  })
  context.audit.record({
    event: 'registration.reject',
    result: 'success',
    service: request.serviceId,
    details: { reference: request._id },
  })
  await tell(context, rejected, 'rejected', { reason })
  return rejected
}

async function tell(
  context: FlowContext,
  request: RegistrationRequest,
  text: 'approved' | 'rejected',
  values: Record<string, string>,
): Promise<void> {
  const { _id: reference, contact: to, language, serviceId: id } = request
  const host = hostOf((await readRequest(request)).wanted)
  await sendRegistrationMail(context, {
    to,
    text,
    language,
    reference,
    values: { host, id, ...values },
  })
}

/**
 * What runs may have changed since the contact confirmed: somebody registered the name in another
 * way, or the registration has another contact, who was not asked.
 */
async function assertMayRegister(
  request: RegistrationRequest,
  running: ServiceRecord | undefined,
  now: Date,
  baseUrl: string,
): Promise<void> {
  const { protocol, kind, serviceId, contact, confirmedBy } = request
  const changed = (what: string) =>
    new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${request._id}: ${what}`, { status: 409 })
  if (kind === 'new' && protocol === 'cas') {
    const wanted = casServiceOf(JSON.parse(request.metadata), unregistered)
    const taken = await whoseAddress(wanted, baseUrl, now)
    if (taken) throw changed(`${serviceId} is at an address of another service since (${taken})`)
  }
  if (kind === 'new') {
    const isThere =
      running !== undefined ||
      (protocol === 'saml' && (await findServiceProvider(serviceId, now)) !== undefined)
    if (isThere) throw changed(`${serviceId} has been registered since, from elsewhere`)
    return
  }
  if (!running) throw changed(`${serviceId} is not registered any more`)
  if (running.origin !== selfOrigin) {
    throw changed(`${serviceId} is registered from ${running.origin} now; change it there`)
  }
  if (confirmedBy === 'mail' && technicalContact(toService(running)) !== contact) {
    throw changed('the registration has another contact now, who has not confirmed the change')
  }
}

async function register(
  { protocol, metadata }: RegistrationRequest,
  running: ServiceRecord | undefined,
  now: Date,
  categories: Approval['categories'],
): Promise<void> {
  const options = {
    origin: selfOrigin,
    approve: true,
    now,
    ...(categories && { overrides: { categories } }),
  }
  if (protocol === 'saml') {
    await registerServiceProvider(metadata, options)
    return
  }
  if (protocol === 'cas') {
    await registerCasService(JSON.parse(metadata), options)
    return
  }
  const client = running && toService(running)
  const secret = client?.protocol === 'oidc' ? client.metadata.client_secret : undefined
  const wanted = JSON.parse(metadata) as Record<string, unknown>
  const needsSecret = String(wanted.token_endpoint_auth_method).startsWith('client_secret_')
  // An update keeps the secret that runs; a new one is made only where there was none.
  await registerRelyingParty(
    { ...wanted, ...(needsSecret && secret !== undefined && { client_secret: secret }) },
    options,
  )
}

function notWaiting({ _id, state }: RegistrationRequest): IdpError {
  return new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${_id} does not wait: it is ${state}`, {
    status: 409,
  })
}
