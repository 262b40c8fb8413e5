import type { Account, AccountState } from './account.ts'
import { accounts } from './people-store.ts'

/**
 * Stops an account: nobody signs in with it until it is released. Its sign-ins end in the same
 * write, so a release does not bring them back; the caller removes what they left.
 *
 * @param reason for admins; the person never sees it
 * @returns false when it is stopped already, or locking one that is not active
 */
export async function stopAccount(
  personId: string,
  state: 'disabled' | 'locked',
  reason: string | undefined,
): Promise<boolean> {
  const from: AccountState[] = state === 'locked' ? ['active'] : ['pending', 'active', 'locked']
  const result = await accounts().updateOne(
    { _id: personId, state: { $in: from } },
    {
      $set: { state, ...(reason === undefined ? {} : { stateReason: reason }) },
      $inc: { sessionGeneration: 1 },
      $unset: { keptSessionId: '', ...(reason === undefined ? { stateReason: '' } : {}) },
    },
  )
  return result.matchedCount === 1
}

/**
 * Takes back stopAccount(): active again, or pending when it was never activated.
 *
 * @returns the new state, or undefined when the account is not in state `from`
 */
export async function releaseAccount(
  account: Account,
  from: 'disabled' | 'locked',
): Promise<AccountState | undefined> {
  const state = account.activatedAt === undefined ? 'pending' : 'active'
  const result = await accounts().updateOne(
    { _id: account._id, state: from },
    { $set: { state }, $unset: { stateReason: '' } },
  )
  return result.matchedCount === 1 ? state : undefined
}
