import { hash, timingSafeEqual } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { registerRelyingParty } from '../federation/registration.ts'
import { selfOrigin } from '../federation/service.ts'
import { recordId, type ServiceRecord } from '../federation/service-model.ts'
import { serviceRecords, toService } from '../federation/service-store.ts'
import { randomToken } from '../keys/random-token.ts'
import { upsertAgain } from '../store/duplicate-key.ts'
import { ClientTokenModel, type RegistrationRequest } from './request-model.ts'
import { tokenHmac } from './request-store.ts'
import { technicalContact } from './technical-contact.ts'

export interface ClientCredentials {
  readonly clientId: string
  /** Absent for clients without one. */
  readonly clientSecret?: string
  readonly registrationAccessToken: string
  readonly registrationClientUri: string
}

export function clientUri({ config }: Pick<AppContext, 'config'>, clientId: string): string {
  return `${config.baseUrl}/federation/clients/${encodeURIComponent(clientId)}`
}

/**
 * Whether the request's page gives the credentials: once it is approved, and to the mailbox that is
 * the contact of what runs. Whoever handed the client over still has the link; whoever asked by a
 * registration access token has shown no mailbox, and that token opens no secret.
 */
export function mayGetCredentials(
  { protocol, state, confirmedBy, contact }: RegistrationRequest,
  running: ServiceRecord | undefined,
): running is ServiceRecord {
  return (
    protocol === 'oidc' &&
    state === 'approved' &&
    confirmedBy === 'mail' &&
    running?.origin === selfOrigin &&
    technicalContact(toService(running)) === contact
  )
}

/**
 * Makes a new secret and a new registration access token, whose predecessors are worth nothing from
 * then on. Neither can be shown again: of the token the store has a keyed hash.
 *
 * @throws {IdpError} REGISTRATION_CHANGED_MEANWHILE when the request gives none (mayGetCredentials)
 */
export async function issueCredentials(
  context: Pick<AppContext, 'config' | 'secrets' | 'now'>,
  request: RegistrationRequest,
): Promise<ClientCredentials> {
  const { _id: reference, serviceId: clientId } = request
  const record = (await findOwnClient(clientId)) ?? undefined
  if (!mayGetCredentials(request, record)) {
    throw new IdpError('REGISTRATION_CHANGED_MEANWHILE', `${reference} gives no credentials`, {
      status: 409,
    })
  }
  const now = context.now()
  // Without a secret in it one is made (RFC 7591 3.2.1).
  const client = await registerRelyingParty(JSON.parse(record.metadata), {
    origin: selfOrigin,
    approve: false,
    now,
  })
  const { client_secret: clientSecret } = client.metadata
  const registrationAccessToken = randomToken()
  const hmac = tokenHmac(context, 'client', registrationAccessToken)
  await upsertAgain(() =>
    ClientTokenModel.findOneAndUpdate(
      { _id: clientId },
      { $set: { tokenHmac: hmac, issuedAt: now } },
      { upsert: true },
    ),
  )
  return {
    clientId,
    ...(typeof clientSecret === 'string' && { clientSecret }),
    registrationAccessToken,
    registrationClientUri: clientUri(context, clientId),
  }
}

/**
 * The registration that the token manages (RFC 7592).
 *
 * @throws {IdpError} REGISTRATION_TOKEN_INVALID (401), the same for an unknown client
 */
export async function clientOfToken(
  context: Pick<AppContext, 'secrets'>,
  clientId: string,
  token: string,
): Promise<ServiceRecord> {
  const [record, kept] = await Promise.all([
    findOwnClient(clientId),
    ClientTokenModel.findById(clientId).lean(),
  ])
  const given = Buffer.from(tokenHmac(context, 'client', token), 'hex')
  const expected = Buffer.from(kept?.tokenHmac ?? '', 'hex')
  if (!record || expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new IdpError('REGISTRATION_TOKEN_INVALID', 'no client has this token', { status: 401 })
  }
  return record
}

/** Whether the text is the client's secret. */
export function isSecretOf(record: ServiceRecord, given: unknown): boolean {
  const service = toService(record)
  const secret = service.protocol === 'oidc' ? service.metadata.client_secret : undefined
  if (typeof given !== 'string' || typeof secret !== 'string') return false
  const [one, other] = [given, secret].map((text) => hash('sha256', text, 'buffer'))
  return timingSafeEqual(one!, other!)
}

export async function forgetClientToken(clientId: string): Promise<void> {
  await ClientTokenModel.deleteOne({ _id: clientId })
}

function findOwnClient(clientId: string): Promise<ServiceRecord | null> {
  return serviceRecords().findOne({ _id: recordId('oidc', clientId), origin: selfOrigin })
}
