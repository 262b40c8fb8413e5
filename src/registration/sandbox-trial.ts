import { timingSafeEqual } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { RegisteredService } from '../federation/service.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { upsertAgain } from '../store/duplicate-key.ts'
import type { RegistrationRequest } from './request-model.ts'
import { readRequest } from './request-reading.ts'
import { findRequest } from './request-store.ts'
import { type SandboxEvent, type SandboxTrial, sandboxTrials } from './sandbox-trial-model.ts'

type TrialContext = Pick<AppContext, 'config' | 'secrets' | 'now'>

const openMs = 3_600_000
/** What happened can be read for a day more. */
const keptMs = 25 * openMs
const maxEvents = 30
const maxDetailLength = 400

export const sandboxOidcPath = '/federation/sandbox/oidc'
export const sandboxCasPath = '/federation/sandbox/cas'

/** What its owner configures in the service for the test. */
export interface SandboxClient {
  readonly issuer: string
  readonly clientId: string
  /** Of the sandbox alone; absent for clients without one. */
  readonly clientSecret?: string
}

/**
 * The name of the request's sandbox in addresses. It is part of an Issuer, so not secret; but who
 * does not know it cannot fill the request's journal.
 */
function trialName(context: TrialContext, reference: string): string {
  const key = context.secrets.get('code-hmac')
  const mark = keyedHash(key, `registration-sandbox|${reference}`).subarray(0, 12)
  return `${reference}.${mark.toString('base64url')}`
}

/**
 * The same each time, so that a test that goes on next day needs no new configuration. Worth
 * nothing at our real Issuer: there the client gets another once it is approved.
 */
export function sandboxClient(context: TrialContext, request: RegistrationRequest): SandboxClient {
  const { _id: reference, serviceId: clientId, metadata } = request
  const { token_endpoint_auth_method: method } = JSON.parse(metadata) as Record<string, unknown>
  const key = context.secrets.get('code-hmac')
  return {
    issuer: `${context.config.baseUrl}${sandboxOidcPath}/${trialName(context, reference)}`,
    clientId,
    ...(String(method).startsWith('client_secret_') && {
      clientSecret: keyedHash(key, `registration-sandbox-secret|${reference}`).toString(
        'base64url',
      ),
    }),
  }
}

/** What its owner configures in a CAS service for the test: the address of the whole server. */
export function sandboxCasServer(context: TrialContext, { _id }: RegistrationRequest): string {
  return `${context.config.baseUrl}${sandboxCasPath}/${trialName(context, _id)}`
}

/** Opens the sandbox of a request that waits, for an hour from now. */
export async function openTrial(
  { now: clock }: TrialContext,
  { _id }: RegistrationRequest,
): Promise<void> {
  const now = clock()
  const openUntil = new Date(now.getTime() + openMs)
  const forgottenAt = new Date(now.getTime() + keptMs)
  await upsertAgain(() =>
    sandboxTrials().updateOne(
      { _id },
      { $set: { openUntil, forgottenAt }, $setOnInsert: { events: [] } },
      { upsert: true },
    ),
  )
}

export async function findTrial(reference: string): Promise<SandboxTrial | undefined> {
  return (await sandboxTrials().findOne({ _id: reference })) ?? undefined
}

export interface OpenTrial<Protocol extends RegisteredService['protocol']> {
  readonly request: RegistrationRequest
  readonly service: Extract<RegisteredService, { protocol: Protocol }>
}

/**
 * The request whose sandbox has this name, as long as the sandbox is open and the request waits.
 *
 * @throws {IdpError} REGISTRATION_SANDBOX_CLOSED (404), the same for a name that never was one
 */
export async function requireOpenTrial<Protocol extends 'oidc' | 'cas'>(
  context: TrialContext,
  name: string,
  protocol: Protocol,
): Promise<OpenTrial<Protocol>> {
  const closed = (why: string) =>
    new IdpError('REGISTRATION_SANDBOX_CLOSED', `the sandbox "${name}": ${why}`, { status: 404 })
  const reference = /^([A-Z2-9]{3}-[A-Z2-9]{3})\.[\w-]{16}$/.exec(name)?.[1]
  if (reference === undefined) throw closed('there is none of that name')
  const [given, expected] = [name, trialName(context, reference)].map((one) => Buffer.from(one))
  if (given!.length !== expected!.length || !timingSafeEqual(given!, expected!)) {
    throw closed('there is none of that name')
  }
  const trial = await findTrial(reference)
  if (!trial || trial.openUntil <= context.now()) throw closed('it is not open')
  const request = await findRequest(reference)
  const { wanted } = await readRequest(request)
  if (request.state !== 'waiting' || wanted.protocol !== protocol) {
    throw closed(`the request is ${request.state}, of a service over ${wanted.protocol}`)
  }
  return { request, service: wanted as OpenTrial<Protocol>['service'] }
}

/** Writes down what the client did, for whoever follows the test on the request's page. */
export async function noteEvent(
  { now }: Pick<AppContext, 'now'>,
  reference: string,
  { code, isWrong, detail }: Omit<SandboxEvent, 'at'>,
): Promise<void> {
  const event: SandboxEvent = {
    at: now(),
    isWrong,
    code,
    ...(detail && { detail: detail.slice(0, maxDetailLength) }),
  }
  await sandboxTrials().updateOne(
    { _id: reference },
    { $push: { events: { $each: [event], $slice: -maxEvents } } },
  )
}
