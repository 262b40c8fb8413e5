import type { Account } from './account.ts'
import { accounts } from './people-store.ts'

/** @returns false when the account has the right already, or is gone */
export async function grantAdminRight(personId: string, by: string, now: Date): Promise<boolean> {
  const { modifiedCount } = await accounts().updateOne(
    { _id: personId, adminRight: { $exists: false } },
    { $set: { adminRight: { since: now, by } } },
  )
  return modifiedCount === 1
}

/** @returns false when the account does not have the right */
export async function revokeAdminRight(personId: string): Promise<boolean> {
  const { modifiedCount } = await accounts().updateOne(
    { _id: personId, adminRight: { $exists: true } },
    { $unset: { adminRight: '' } },
  )
  return modifiedCount === 1
}

/** Everybody who has it, those who have it longest first. */
export function listAdministrators(): Promise<Account[]> {
  return accounts()
    .find({ 'adminRight.since': { $exists: true } })
    .sort({ 'adminRight.since': 1 })
    .toArray()
}
