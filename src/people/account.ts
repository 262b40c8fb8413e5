import type { RoleChoice } from './role-choice.ts'

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
  /** PHC strings of the passwords before this one, newest first, at most four. */
  readonly previousPasswords?: readonly string[]
  /** How often every sign-in was ended; absent: never. See `signInCounts`. */
  readonly sessionGeneration?: number
  /** SsoSession.id of the one sign-in that the last such ending spared. */
  readonly keptSessionId?: string
  /** How often the remembered browsers were forgotten; absent: never. */
  readonly deviceGeneration?: number
  readonly activatedAt?: Date
  /** Contact details for recovery, kept with the person's consent beside those of the sources. */
  readonly mobile?: string
  readonly email?: string
  /** When the person agreed that we keep them. */
  readonly mobileConsentAt?: Date
  readonly emailConsentAt?: Date
  /** The ContactChange that made the contact what it is, for as long as it can be undone. */
  readonly contactSetBy?: { readonly mobile?: string; readonly email?: string }
  /**
   * The roles that the person activated; only these count. Absent: all of them, for accounts that
   * an administrator or a paper passphrase activated.
   */
  readonly activatedRoles?: readonly RoleChoice[]
  readonly acceptedTerms?: AcceptedTerms
  readonly activation?: ActivationProof
  /** Since when the Person has an AcademicID; absent: none yet. */
  readonly academicIdAt?: Date
  /** When the AcademicID registry is asked next, or until when somebody is at it; absent: settled. */
  readonly academicIdDue?: Date
  readonly academicIdWait?: AcademicIdWait
  readonly academicIdConflict?: AcademicIdConflict
  /** A one-time passphrase that the helpdesk handed out. */
  readonly recoveryCode?: RecoveryCode
  /** May administer this identity provider at /admin; absent: may not. */
  readonly adminRight?: AdminRight
}

/** Since when somebody is an administrator, and who said so. */
export interface AdminRight {
  readonly since: Date
  readonly by: string
}

/** Tries for an AcademicID that came to nothing. */
export interface AcademicIdWait {
  readonly since: Date
  readonly tries: number
  readonly error: string
}

/** What stands in the way of an AcademicID until a human decides. */
export interface AcademicIdConflict {
  /**
   * two-ids: the person's numbers have different ids in the registry. taken: somebody else here has
   * the id. unknown-id: the registry does not know the id that the person has.
   */
  readonly kind: 'two-ids' | 'taken' | 'unknown-id'
  /** The id that the person's numbers have beside the one kept. */
  readonly otherId?: string
  readonly at: Date
}

/** What the person agreed to when they chose the password. */
export interface AcceptedTerms {
  /** Versions as the institution file gives them. */
  readonly terms: string
  readonly privacy: string
  readonly acceptedAt: Date
}

/** How the account was activated, for the helpdesk and for eduPersonAssurance. */
export interface ActivationProof {
  /** Of the activation, e.g. `K7F-2QX`; absent when an administrator did it. */
  readonly reference?: string
  readonly way: 'pin' | 'passphrase' | 'administrator'
  /** Channels whose PIN the person gave back. */
  readonly proven?: readonly ('sms' | 'email')[]
  /** Who confirmed the national number; absent when nobody could (a foreign number, paper). */
  readonly numberCheckedBy?: 'national' | 'embedded'
  /** A source had the national number before; absent when the person gave it, or nobody noted. */
  readonly numberOnRecord?: boolean
}

export interface RecoveryCode {
  /** Keyed hash, hex. */
  readonly hmac: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly triesLeft: number
}

/** What a sign-in, and what a service got by it, keeps of the account. */
export interface SignInMark {
  /** SsoSession.id */
  readonly id: string
  /** Account.sessionGeneration when the password was looked up; absent: none yet. */
  readonly generation?: number
}

/**
 * Whether a sign-in outlived all endings so far. One number on the account ends everything that came
 * before it, in the write that changes the password: what a crash leaves undeleted is worth nothing.
 * A number and not a time, so that clocks need not agree and a sign-in that was checked against the
 * old password but finished after the change does not count either.
 */
export function signInCounts(
  account: Pick<Account, 'sessionGeneration' | 'keptSessionId'>,
  mark: SignInMark,
): boolean {
  const isCurrent = (mark.generation ?? 0) === (account.sessionGeneration ?? 0)
  return isCurrent || mark.id === account.keptSessionId
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
