import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { openLimiter } from '../limits/limiter.ts'
import { hashingTurns } from '../login/hashing-turns.ts'
import { hashPassword, verifyPassword } from '../login/password.ts'
import { type Account, type AccountState, accountStanding } from '../people/account.ts'
import { accounts, findAccount } from '../people/people-store.ts'
import { type EndingUpdate, endingOf, removeEnded, stillCounts } from '../sso/end-everywhere.ts'
import { type ContactKind, consentField } from './contact-model.ts'

/** Passwords that may not come back, beside the one that is in use. */
const previousKept = 4

/** How the person proved who they are before choosing a new password. */
export type PasswordWay = 'change' | 'recovery' | 'passphrase'

export interface SetPasswordOptions {
  readonly way: PasswordWay
  /** Of the recovery, for the helpdesk. */
  readonly reference?: string
  /** SsoSession.id of the browser that stays signed in. */
  readonly keepSessionId?: string
  /** Nobody is signed out: the person said so. */
  readonly keepAllSessions?: boolean
  /** That proved the person, required to be kept still, with consent, when the password is set. */
  readonly contact?: { readonly kind: ContactKind; readonly value: string }
  /** The passphrase that proved the person, required to be good still. Keyed hash, hex. */
  readonly recoveryCodeHmac?: string
  /** From where, for the audit log. */
  readonly origin?: { readonly address?: string; readonly userAgent?: string }
}

/**
 * done: it is the password now. The `account` given is out of date then: read it again before
 * startSession() or rememberDevice().
 * used-before: one of the last five.
 * changed-meanwhile: the password is no longer the one in `account`, or the passphrase no longer good.
 * not-allowed: the account's state forbids it, or what proved the person no longer counts: the contact
 * was taken back, or the sign-in that is to stay was ended.
 */
export type PasswordOutcome = 'done' | 'used-before' | 'changed-meanwhile' | 'not-allowed'

/**
 * New passwords of one person in an hour, held against the last five each: the person has proved who
 * they are, so nothing else would stop somebody who makes the server hash without end.
 */
const triesPerHour = 20
const hourMs = 3_600_000

/** What a proof of the person releases: a way past a stolen password, never past an administrator. */
const statesAllowed: Readonly<Record<PasswordWay, readonly AccountState[]>> = {
  change: ['active'],
  recovery: ['active', 'locked'],
  passphrase: ['active', 'locked'],
}

/**
 * Gives an account that was activated another password, in one document update: whatever happens
 * before or after, one password works, and with it all sign-ins, tokens and remembered browsers of
 * before have ended. Of parallel calls one is `done`, even with different ways.
 *
 * The caller has checked the password by the rules (readNewPassword).
 *
 * @param account as it was read before the person proved who they are
 * @throws {IdpError} ACCOUNT_THROTTLED (429) after too many tries
 */
export async function setPassword(
  context: AppContext,
  account: Account,
  newPassword: string,
  options: SetPasswordOptions,
): Promise<PasswordOutcome> {
  const { way } = options
  if (!isAllowed(account, way, context.now())) return 'not-allowed'
  await takeTry(context, account)
  const passwordHash = await hashUnlessUsed(account, newPassword)
  if (passwordHash === undefined) return 'used-before'
  const updated = await replacePassword(account, passwordHash, options, context.now())
  if (!updated) {
    const found = await findAccount(account._id)
    if (found?.passwordHash !== account.passwordHash) return 'changed-meanwhile'
    const isPassphraseGone = way === 'passphrase' && isAllowed(found, way, context.now())
    return isPassphraseGone ? 'changed-meanwhile' : 'not-allowed'
  }
  const ended = await removeEndedAnyhow(context, updated)
  context.audit.record({
    event: 'password.set',
    result: 'success',
    personId: account._id,
    username: account.username,
    ...options.origin,
    details: {
      way,
      ...(options.reference === undefined ? {} : { reference: options.reference }),
      ...(account.state === 'locked' ? { released: true } : {}),
      ...ended,
    },
  })
  return 'done'
}

function isAllowed(account: Account | null, way: PasswordWay, now: Date): boolean {
  return (
    account?.passwordHash !== undefined &&
    (statesAllowed[way] as readonly string[]).includes(accountStanding(account, now))
  )
}

async function takeTry(
  context: Pick<AppContext, 'now' | 'secrets'>,
  { _id: subject }: Account,
): Promise<void> {
  const limit = { name: 'new-password', subject, max: triesPerHour, windowMs: hourMs }
  const minutes = await openLimiter(context).take(limit)
  if (minutes === 0) return
  throw new IdpError('ACCOUNT_THROTTLED', `too many new passwords: wait ${minutes} minutes`, {
    status: 429,
  })
}

/** @returns undefined when the account had this password lately */
function hashUnlessUsed(account: Account, newPassword: string): Promise<string | undefined> {
  return hashingTurns.take(async () => {
    for (const used of lastPasswords(account)) {
      if ((await verifyPassword(newPassword, used)).ok) return undefined
    }
    return hashPassword(newPassword)
  })
}

function lastPasswords({ passwordHash, previousPasswords = [] }: Account): string[] {
  return [...(passwordHash === undefined ? [] : [passwordHash]), ...previousPasswords]
}

/** @returns the account as it is now, or null when it is not what the caller saw */
async function replacePassword(
  account: Account,
  passwordHash: string,
  { way, keepSessionId, keepAllSessions, contact, recoveryCodeHmac }: SetPasswordOptions,
  now: Date,
): Promise<Account | null> {
  const ending: EndingUpdate = keepAllSessions ? {} : endingOf(keepSessionId)
  const releases = way !== 'change'
  return accounts().findOneAndUpdate(
    {
      _id: account._id,
      passwordHash: account.passwordHash,
      state: { $in: [...statesAllowed[way]] },
      $and: [
        { $or: [{ expiresAt: { $exists: false } }, { expiresAt: { $gt: now } }] },
        // What an undo or another browser has ended meanwhile is not to be kept.
        ...(keepSessionId === undefined ? [] : [await stillCounts(keepSessionId)]),
      ],
      ...(contact && {
        [contact.kind]: contact.value,
        [consentField[contact.kind]]: { $exists: true },
      }),
      ...(recoveryCodeHmac === undefined
        ? {}
        : {
            'recoveryCode.hmac': recoveryCodeHmac,
            'recoveryCode.expiresAt': { $gt: now },
          }),
    },
    {
      $set: {
        passwordHash,
        passwordChangedAt: now,
        previousPasswords: lastPasswords(account).slice(0, previousKept),
        ...(releases ? { state: 'active' as const } : {}),
        ...ending.$set,
      },
      $inc: { deviceGeneration: 1, ...ending.$inc },
      $unset: { recoveryCode: '', ...(releases ? { stateReason: '' } : {}), ...ending.$unset },
    },
    { returnDocument: 'after' },
  )
}

/** The password is changed and nothing old counts: a fault while tidying up must not deny it. */
async function removeEndedAnyhow(
  context: AppContext,
  account: Account,
): Promise<{ sessions?: number; grants?: number }> {
  try {
    return { ...(await removeEnded(context, account)) }
  } catch (error) {
    context.log.error({ err: error, personId: account._id }, 'ended sign-ins were not all removed')
    return {}
  }
}
