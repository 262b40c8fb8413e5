import type { AcceptedTerms, Account, ActivationProof } from './account.ts'
import { accounts } from './people-store.ts'
import type { RoleChoice } from './role-choice.ts'

/** What a person agreed to leave with us while activating. */
export interface AgreedFacts {
  /** E.164; only with the person's consent that we keep it for recovery. */
  readonly mobile?: string
  /** The same for mail. */
  readonly email?: string
  readonly acceptedTerms?: AcceptedTerms
}

export interface ActivationFacts extends AgreedFacts {
  /** As the person saw it: the account follows its source while it is pending. */
  readonly username: string
  readonly passwordHash: string
  /** Absent: every role, now and later. */
  readonly activatedRoles?: readonly RoleChoice[]
  readonly activation: ActivationProof
}

/**
 * Makes a pending account active, with everything that belongs to it, in one document update: after
 * a crash it is either untouched or complete, and of parallel calls one is `done`. The recovery
 * passphrase dies with it.
 *
 * @param recoveryCodeHmac the passphrase that proved the person, required to be good still
 * @returns username-changed: the source corrected it after the person was shown the old one
 */
export async function completeActivation(
  personId: string,
  facts: ActivationFacts,
  now: Date,
  recoveryCodeHmac?: string,
): Promise<'done' | 'not-pending' | 'username-changed'> {
  const { username, passwordHash, activatedRoles, activation } = facts
  const withCode = recoveryCodeHmac && {
    'recoveryCode.hmac': recoveryCodeHmac,
    'recoveryCode.expiresAt': { $gt: now },
  }
  const result = await accounts().updateOne(
    { _id: personId, state: 'pending', username, ...withCode },
    {
      $set: {
        state: 'active',
        passwordHash,
        passwordChangedAt: now,
        activatedAt: now,
        activation,
        // In the same write: a process that dies right after owes the person nothing.
        academicIdDue: now,
        ...(activatedRoles === undefined ? {} : { activatedRoles }),
        ...agreedFields(facts, now),
      },
      $unset: { recoveryCode: '' },
    },
  )
  if (result.matchedCount === 1) return 'done'
  const account = await accounts().findOne({ _id: personId })
  return account?.state === 'pending' && account.username !== username
    ? 'username-changed'
    : 'not-pending'
}

/**
 * Activates one more role on an account that is active and counts its roles, in one update. Contacts
 * that come with consent replace the kept ones.
 *
 * @returns false when the account is not active, or has all its roles anyway
 */
export async function addActivatedRole(
  personId: string,
  role: RoleChoice,
  facts: AgreedFacts,
  now: Date,
): Promise<boolean> {
  const agreed = agreedFields(facts, now)
  const result = await accounts().updateOne(
    { _id: personId, state: 'active', activatedRoles: { $exists: true } },
    {
      $addToSet: { activatedRoles: role },
      ...(Object.keys(agreed).length > 0 ? { $set: agreed } : {}),
    },
  )
  return result.matchedCount === 1
}

/** Somebody who is active already agreed to the terms again, with a passphrase of the helpdesk. */
export async function recordAcceptedTerms(
  personId: string,
  acceptedTerms: AcceptedTerms,
): Promise<void> {
  await accounts().updateOne({ _id: personId }, { $set: { acceptedTerms } })
}

function agreedFields({ mobile, email, acceptedTerms }: AgreedFacts, now: Date): Partial<Account> {
  return {
    ...(mobile === undefined ? {} : { mobile, mobileConsentAt: now }),
    ...(email === undefined ? {} : { email, emailConsentAt: now }),
    ...(acceptedTerms === undefined ? {} : { acceptedTerms }),
  }
}
