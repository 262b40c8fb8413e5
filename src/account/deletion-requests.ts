import type { Account } from '../people/account.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { createReference } from '../web/reference.ts'
import {
  type DeletionRequest,
  DeletionRequestModel,
  type DeletionRequestState,
} from './deletion-request-model.ts'

/** How long a closed request can be looked up. */
const keptMs = 2 * 365 * 86_400_000

/**
 * Writes a request down. A person has one open at a time, however often they ask.
 *
 * @returns the open request, and whether it is new
 */
export async function openDeletionRequest(
  account: Pick<Account, '_id' | 'username'>,
  now: Date,
): Promise<{ request: DeletionRequest; isNew: boolean }> {
  const { _id: personId, username } = account
  for (;;) {
    const open = await findOpen(personId)
    if (open) return { request: open, isNew: false }
    const request: DeletionRequest = {
      _id: createReference(),
      personId,
      username,
      state: 'open',
      createdAt: now,
    }
    try {
      await DeletionRequestModel.create(request)
      return { request, isNew: true }
    } catch (error) {
      // Another click was faster, or the reference is taken: look again.
      if (!isDuplicateKey(error)) throw error
    }
  }
}

/** @returns the request that was withdrawn; null when none was open any more */
export function withdrawDeletionRequest(
  personId: string,
  now: Date,
): Promise<DeletionRequest | null> {
  return close({ personId, state: 'open' }, 'withdrawn', now)
}

/** @returns the request that is done now; null when it was not open */
export function finishDeletionRequest(id: string, now: Date): Promise<DeletionRequest | null> {
  return close({ _id: id, state: 'open' }, 'done', now)
}

export function findDeletionRequest(id: string): Promise<DeletionRequest | null> {
  return DeletionRequestModel.findById(id).lean<DeletionRequest | null>()
}

/** A person's requests, newest first. */
export function deletionRequestsOf(personId: string): Promise<DeletionRequest[]> {
  return DeletionRequestModel.find({ personId }).sort({ createdAt: -1 }).lean<DeletionRequest[]>()
}

/** What admins have to deal with, oldest first. @param states which requests */
export function listDeletionRequests(
  states: readonly DeletionRequestState[],
): Promise<DeletionRequest[]> {
  return DeletionRequestModel.find({ state: { $in: [...states] } })
    .sort({ createdAt: 1 })
    .lean<DeletionRequest[]>()
}

function findOpen(personId: string): Promise<DeletionRequest | null> {
  return DeletionRequestModel.findOne({ personId, state: 'open' }).lean<DeletionRequest | null>()
}

function close(
  filter: { _id?: string; personId?: string; state: 'open' },
  state: DeletionRequestState,
  closedAt: Date,
): Promise<DeletionRequest | null> {
  const forgottenAt = new Date(closedAt.getTime() + keptMs)
  return DeletionRequestModel.findOneAndUpdate(
    filter,
    { $set: { state, closedAt, forgottenAt } },
    { returnDocument: 'after' },
  ).lean<DeletionRequest | null>()
}
