/**
 * pending: known to the registry, not activated, nobody signs in.
 * locked: stopped for safety (for example a stolen password), ends by the password service or the helpdesk.
 * disabled: stopped by an administrator.
 */
export type AccountState = 'pending' | 'active' | 'locked' | 'disabled'

/** The one account of a Person. `_id` is the Person's `_id`: one account a person, by construction. */
export interface Account {
  readonly _id: string
  /** `[a-z0-9._-]{3,32}`, unique. */
  readonly username: string
  readonly state: AccountState
  /** Shown to nobody but admins; why it is locked or disabled. */
  readonly stateReason?: string
  /** After this instant the account is expired whatever its state. */
  readonly expiresAt?: Date
  /** PHC string, `$argon2id$…`. Absent until a password is chosen. */
  readonly passwordHash?: string
  readonly passwordChangedAt?: Date
  readonly activatedAt?: Date
  /** Contact details the person set, beside those of the sources. */
  readonly mobile?: string
  readonly email?: string
}

/** What the gate answers: only `active` signs in. */
export type AccountStanding = 'active' | 'pending' | 'locked' | 'disabled' | 'expired'

/** The account's standing at `now`. Disabled outranks expired: an admin's word is the one to tell. */
export function accountStanding(
  account: Pick<Account, 'state' | 'expiresAt'>,
  now: Date,
): AccountStanding {
  if (account.state === 'disabled') return 'disabled'
  if (account.expiresAt !== undefined && account.expiresAt <= now) return 'expired'
  return account.state
}
