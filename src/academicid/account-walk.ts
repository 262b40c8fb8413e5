import type { mongo } from 'mongoose'
import type { Account } from '../people/account.ts'
import { accounts } from '../people/people-store.ts'
import { RegistryUnreachable } from './academic-id-registry.ts'

/** Who needs looking at by `allocate --all`: without an id, due, or in conflict. */
export const unsettled: mongo.Filter<Account> = {
  activatedAt: { $exists: true },
  $or: [
    { academicIdAt: { $exists: false } },
    { academicIdDue: { $exists: true } },
    { academicIdConflict: { $exists: true } },
  ],
}

/** Everybody who has an id. */
export const settledAccounts: mongo.Filter<Account> = { academicIdAt: { $exists: true } }

const lanes = 8

/**
 * Does something with each account, several at a time. Stops at the first that the registry does
 * not answer for: what was done stays done, and the same call goes on from there.
 *
 * @returns why it stopped, undefined when it is through
 */
export async function walkAccounts(
  filter: mongo.Filter<Account>,
  visit: (account: Account) => Promise<void>,
): Promise<string | undefined> {
  const cursor = accounts().find(filter).sort({ _id: 1 }).batchSize(500)
  let turn: Promise<Account | null> = Promise.resolve(null)
  let stopped: string | undefined
  let failure: unknown
  // A cursor answers one question at a time.
  const next = () => {
    turn = turn.then(() => cursor.next())
    return turn
  }
  async function lane(): Promise<void> {
    while (stopped === undefined && failure === undefined) {
      const account = await next()
      if (!account) return
      try {
        await visit(account)
      } catch (error) {
        if (error instanceof RegistryUnreachable) stopped ??= error.message
        else failure ??= error
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } finally {
    await cursor.close()
  }
  if (failure !== undefined) throw failure
  return stopped
}
