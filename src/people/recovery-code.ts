import { timingSafeEqual } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { type AcceptedTerms, type Account, accountStanding, type RecoveryCode } from './account.ts'
import { completeActivation } from './activation.ts'
import { makePassphrase, normalizePassphrase } from './passphrase.ts'
import { accounts, findAccount, findPerson } from './people-store.ts'
import { athensDate, type Person } from './person.ts'
import { canActivate } from './role-choice.ts'

/** Wrong passphrases that a code outlives, but one. */
const tries = 5
const dayMs = 24 * 60 * 60_000

export interface IssuedCode {
  /** As it is printed; kept nowhere. */
  readonly passphrase: string
  /** What the account keeps of it. */
  readonly code: RecoveryCode
}

/** Makes a one-time passphrase («συνθηματικό ανάκτησης») for an account, not yet written to it. */
export function makeRecoveryCode(
  context: Pick<AppContext, 'secrets' | 'now'>,
  accountId: string,
  days: number,
): IssuedCode {
  const passphrase = makePassphrase()
  const issuedAt = context.now()
  const expiresAt = new Date(issuedAt.getTime() + days * dayMs)
  const hmac = codeHash(context, accountId, passphrase).toString('hex')
  return { passphrase, code: { hmac, issuedAt, expiresAt, triesLeft: tries } }
}

/**
 * Gives an account a one-time passphrase. A new one voids the old.
 *
 * @returns the passphrase: nobody can read it again
 * @throws {Error} when there is no such account
 */
export async function issueRecoveryCode(
  context: Pick<AppContext, 'secrets' | 'now'>,
  accountId: string,
  options: { days: number },
): Promise<string> {
  const { passphrase, code } = makeRecoveryCode(context, accountId, options.days)
  const { matchedCount } = await accounts().updateOne(
    { _id: accountId },
    { $set: { recoveryCode: code } },
  )
  if (matchedCount === 0) throw new Error(`there is no account of the person ${accountId}`)
  return passphrase
}

/** Why a passphrase was refused: for the helpdesk, never for the page. */
export type CodeRefusal =
  | 'unknown-username'
  | 'no-code'
  | 'code-expired'
  | 'code-used-up'
  | 'wrong-passphrase'

export type Redemption =
  | { readonly outcome: 'done'; readonly account: Account; readonly person: Person }
  | {
      readonly outcome: 'refused'
      readonly reason: CodeRefusal
      readonly account?: Account
      /** Whether a try was written down; else the caller writes as much, or the time would tell. */
      readonly tookTry: boolean
    }
  /**
   * The passphrase was right in the rest; it stays as it was. An account that was activated before
   * takes a new password by it, which the caller sets (account/set-password.ts) on this `account`.
   */
  | {
      readonly outcome: 'renewable'
      readonly account: Account
      readonly person: Person
      /** Of the passphrase, required to be good still when the password is set. */
      readonly recoveryCodeHmac: string
    }
  | { readonly outcome: 'already-active'; readonly account: Account }
  | { readonly outcome: 'stopped'; readonly account: Account }
  | { readonly outcome: 'not-chosen'; readonly account: Account }

/** What the person chose, once the passphrase was found right. */
export interface ChosenPassword {
  readonly passwordHash: string
  readonly acceptedTerms: AcceptedTerms
  /** Of the try, for the helpdesk. */
  readonly reference?: string
}

/**
 * Redeems a one-time passphrase: a pending account is activated by it, an active or locked one may
 * have a new password. What is refused is told to nobody: an unknown username, an account without a code, a wrong, expired or used one are one answer.
 *
 * @param username already brought to form by normalizeUsername()
 * @param choose asked only after the right passphrase: the password, or undefined when it may not be
 *   this one; the passphrase can then be used again
 */
export async function redeemRecoveryCode(
  context: Pick<AppContext, 'secrets' | 'now'>,
  username: string,
  passphrase: string,
  choose: (account: Account, person: Person) => Promise<ChosenPassword | undefined>,
): Promise<Redemption> {
  const now = context.now()
  const found = await accounts().findOne({ username })
  const account = found && isGood(found.recoveryCode, now) ? await takeTry(found._id, now) : null
  const given = codeHash(context, found?._id ?? '', passphrase)
  const kept = Buffer.from(account?.recoveryCode?.hmac ?? '', 'hex')
  const isRight = kept.length === given.length && timingSafeEqual(kept, given)
  if (!account || !isRight) return refusal(found, account !== null, now)
  const hmac = given.toString('hex')
  await giveTryBack(account._id, hmac)

  const standing = accountStanding(account, now)
  const person = await findPerson(account._id)
  if ((standing === 'active' || standing === 'locked') && person) {
    return { outcome: 'renewable', account, person, recoveryCodeHmac: hmac }
  }
  const today = athensDate(now)
  if (standing !== 'pending' || !person?.roles.some((role) => canActivate(role, today))) {
    return { outcome: 'stopped', account }
  }
  const chosen = await choose(account, person)
  if (!chosen) return { outcome: 'not-chosen', account }

  // One write: of several at once with the same passphrase one finds it, and a crash before or
  // after leaves either a pending account with its code or an active one without.
  const { reference, ...agreed } = chosen
  const activation = { way: 'passphrase', ...(reference && { reference }) } as const
  const facts = { ...agreed, username, activation }
  const result = await completeActivation(account._id, facts, context.now(), hmac)
  if (result === 'done') return { outcome: 'done', account, person }
  const after = await findAccount(account._id)
  return after?.state === 'active'
    ? { outcome: 'already-active', account }
    : { ...refusal(after, true, now), reason: 'no-code' }
}

/** Whether a code can still be redeemed. */
export function isGood(code: RecoveryCode | undefined, now: Date): boolean {
  return code !== undefined && code.expiresAt > now && code.triesLeft > 0
}

/** Takes a try before the passphrase is compared, so parallel guesses get no extra ones. */
function takeTry(accountId: string, now: Date): Promise<Account | null> {
  return accounts().findOneAndUpdate(
    {
      _id: accountId,
      'recoveryCode.triesLeft': { $gt: 0 },
      'recoveryCode.expiresAt': { $gt: now },
    },
    { $inc: { 'recoveryCode.triesLeft': -1 } },
  )
}

/** Only wrong passphrases count: somebody may need several tries to find a password. */
async function giveTryBack(accountId: string, hmac: string): Promise<void> {
  await accounts().updateOne(
    { _id: accountId, 'recoveryCode.hmac': hmac },
    { $inc: { 'recoveryCode.triesLeft': 1 } },
  )
}

function refusal(account: Account | null, tookTry: boolean, now: Date) {
  return {
    outcome: 'refused' as const,
    reason: refusalReason(account, tookTry, now),
    tookTry,
    ...(account ? { account } : {}),
  }
}

function refusalReason(account: Account | null, tookTry: boolean, now: Date): CodeRefusal {
  if (!account) return 'unknown-username'
  if (tookTry) return 'wrong-passphrase'
  if (!account.recoveryCode) return 'no-code'
  return account.recoveryCode.expiresAt <= now ? 'code-expired' : 'code-used-up'
}

/** Bound to the account, so that two accounts with the same passphrase do not show it. */
function codeHash(
  context: Pick<AppContext, 'secrets'>,
  accountId: string,
  passphrase: string,
): Buffer {
  const text = `recovery|${accountId}|${normalizePassphrase(passphrase)}`
  return keyedHash(context.secrets.get('code-hmac'), text)
}
