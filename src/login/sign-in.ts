import type { Request } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { type Account, type AccountStanding, accountStanding } from '../people/account.ts'
import {
  findAccountByUsername,
  normalizeUsername,
  updatePasswordHash,
} from '../people/people-store.ts'
import { hashingTurns } from './hashing-turns.ts'
import { readKnownDevice } from './known-device.ts'
import { hashPassword, verifyPassword } from './password.ts'
import type { LoginThrottle } from './throttle.ts'

export type SignInResult =
  | { readonly outcome: 'success'; readonly account: Account }
  /** Wrong password or unknown username: nobody can tell which. */
  | { readonly outcome: 'refused' }
  /** The password was right, the account may not sign in. */
  | { readonly outcome: 'standing'; readonly standing: AccountStanding; readonly account: Account }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/** What a password is asked for: a sign-in, or once more by somebody who is signed in. */
export type PasswordCheck = 'login' | 'password.check'

/**
 * Checks a username and password. The same work is done for an unknown username, a wrong password
 * and an account without one, and the account's standing is looked at only after the right password.
 *
 * @param event as which failures are in the audit log; limits count both together
 */
export function signIn(
  context: AppContext,
  throttle: LoginThrottle,
  request: Request,
  credentials: { username: string; password: string },
  event: PasswordCheck = 'login',
): Promise<SignInResult> {
  return hashingTurns.take(() => checkCredentials(context, throttle, request, credentials, event))
}

async function checkCredentials(
  context: AppContext,
  throttle: LoginThrottle,
  request: Request,
  credentials: { username: string; password: string },
  event: PasswordCheck,
): Promise<SignInResult> {
  const username = normalizeUsername(withoutScope(credentials.username, context.config.scope))
  // Before the limit is asked for: whether the browser is known depends on the account. An unknown
  // username costs the same look-up.
  const account = await findAccountByUsername(username)
  const attempt = {
    username,
    address: request.ip ?? 'unknown',
    knownDevice: readKnownDevice(context, request, {
      username,
      deviceGeneration: account?.deviceGeneration,
    }),
  }
  const refuse = (result: SignInResult, reason: string, account?: Account | null): SignInResult => {
    context.audit.record({
      event,
      result: 'failure',
      reason,
      // An unknown username may be a password typed in the wrong field: it is not written down.
      ...(account ? { personId: account._id, username: account.username } : {}),
      ...requestOrigin(request),
      address: attempt.address,
    })
    return result
  }

  const waitBefore = await throttle.minutesToWait(attempt)
  if (waitBefore > 0) return refuse({ outcome: 'throttled', minutes: waitBefore }, 'throttled')

  const { ok, needsRehash } = await verifyPassword(credentials.password, account?.passwordHash)
  // Asked again, and before right and wrong part: of many guesses sent at once, those that finish
  // after the limit was reached all get the same answer, or the right one would stand out.
  const waitAfter = await throttle.minutesToWait(attempt)
  if (waitAfter > 0)
    return refuse({ outcome: 'throttled', minutes: waitAfter }, 'throttled', account)
  if (!account || !ok) {
    await throttle.recordFailure(attempt)
    return refuse({ outcome: 'refused' }, account ? 'wrong-password' : 'unknown-username', account)
  }
  await throttle.recordSuccess(attempt)

  const standing = accountStanding(account, context.now())
  if (standing !== 'active')
    return refuse({ outcome: 'standing', standing, account }, standing, account)
  return {
    outcome: 'success',
    account: needsRehash ? await rehash(account, credentials.password) : account,
  }
}

/** @returns the account with the hash that is stored now */
async function rehash(account: Account, password: string): Promise<Account> {
  if (account.passwordHash === undefined) return account
  const passwordHash = await hashPassword(password)
  const isStored = await updatePasswordHash(account._id, account.passwordHash, passwordHash)
  return isStored ? { ...account, passwordHash } : account
}

/** Many people type their mail address, which is username@scope. */
export function withoutScope(username: string, scope: string): string {
  const [local, domain, ...rest] = username.trim().split('@')
  return domain?.toLowerCase() === scope && rest.length === 0 ? (local as string) : username
}
