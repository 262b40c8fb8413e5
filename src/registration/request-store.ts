import type { Collection } from 'mongodb'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createReference } from '../web/reference.ts'
import {
  type RegistrationRequest,
  RegistrationRequestModel,
  type RequestState,
} from './request-model.ts'

const maxReferenceTries = 5

export const registrationRequests = () =>
  RegistrationRequestModel.collection as unknown as Collection<RegistrationRequest>

/** What a token is kept as. Each purpose has its own: a link of one kind opens nothing of another. */
export function tokenHmac(
  { secrets }: Pick<AppContext, 'secrets'>,
  purpose: 'link' | 'state' | 'client',
  token: string,
): string {
  return keyedHash(secrets.get('code-hmac'), `registration-${purpose}|${token}`).toString('hex')
}

/** Under a reference that is free: it is short, so one day two are alike. */
export async function insertRequest(
  facts: Omit<RegistrationRequest, '_id'>,
): Promise<RegistrationRequest> {
  for (let tries = 1; ; tries++) {
    const request: RegistrationRequest = { _id: createReference(), ...facts }
    try {
      await registrationRequests().insertOne(request)
      return request
    } catch (error) {
      if (!isDuplicateKey(error) || tries === maxReferenceTries) throw error
    }
  }
}

/** @throws {IdpError} REGISTRATION_LINK_INVALID when the link was used, replaced, or is too old */
export async function findByLink(
  context: Pick<AppContext, 'secrets' | 'now'>,
  token: unknown,
): Promise<RegistrationRequest> {
  const request = await findByToken(context, 'link', token)
  if (request.state !== 'unconfirmed' || !request.linkUntil || request.linkUntil <= context.now()) {
    throw linkInvalid('the link has expired')
  }
  return request
}

/** @throws {IdpError} REGISTRATION_LINK_INVALID */
export function findByStateToken(
  context: Pick<AppContext, 'secrets' | 'now'>,
  token: unknown,
): Promise<RegistrationRequest> {
  return findByToken(context, 'state', token)
}

async function findByToken(
  context: Pick<AppContext, 'secrets' | 'now'>,
  purpose: 'link' | 'state',
  token: unknown,
): Promise<RegistrationRequest> {
  if (typeof token !== 'string' || !/^[\w-]{22}$/.test(token)) throw linkInvalid('no such token')
  const field = purpose === 'link' ? 'linkHmac' : 'stateHmac'
  const hmac = tokenHmac(context, purpose, token)
  const request = await registrationRequests().findOne({ [field]: hmac })
  // The store's sweep comes late.
  if (!request || request.forgottenAt <= context.now()) throw linkInvalid('no such token')
  return request
}

function linkInvalid(message: string): IdpError {
  return new IdpError('REGISTRATION_LINK_INVALID', message, { status: 404 })
}

/** @throws {IdpError} NOT_FOUND */
export async function findRequest(reference: string): Promise<RegistrationRequest> {
  const request = await registrationRequests().findOne({ _id: reference.trim().toUpperCase() })
  if (!request) {
    throw new IdpError('NOT_FOUND', `there is no request "${reference}"`, { status: 404 })
  }
  return request
}

/** A request without what makes it large: strangers may hand in a megabyte each. */
export type RequestSummary = Omit<RegistrationRequest, 'metadata' | 'reasons'>

/** Oldest first. */
export function listRequests(states: readonly RequestState[]): Promise<RequestSummary[]> {
  return registrationRequests()
    .find({ state: { $in: [...states] } })
    .project<RequestSummary>({ metadata: 0, reasons: 0 })
    .sort({ createdAt: 1 })
    .toArray()
}

/**
 * Moves a request on, if it still stands where it was seen: of two that decide at once one does.
 *
 * @throws {IdpError} REGISTRATION_CHANGED_MEANWHILE
 */
export async function moveRequest(
  request: Pick<RegistrationRequest, '_id' | 'state'>,
  set: Partial<RegistrationRequest>,
  unset: readonly (keyof RegistrationRequest)[] = [],
): Promise<RegistrationRequest> {
  const moved = await registrationRequests().findOneAndUpdate(
    { _id: request._id, state: request.state },
    {
      $set: set,
      ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((name) => [name, ''])) }),
    },
    { returnDocument: 'after' },
  )
  if (!moved) {
    throw new IdpError(
      'REGISTRATION_CHANGED_MEANWHILE',
      `request ${request._id} is not ${request.state} any more`,
      { status: 409 },
    )
  }
  return moved
}
