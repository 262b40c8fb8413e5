import { IdpError } from '../errors.ts'
import type { SsoSession } from '../sso/sso-session.ts'

/**
 * Second factors by the names that CAS services ask for (`authn_method`), and what shows in a
 * session that one was there (RFC 8176). The names are those of Apereo CAS, which the universities'
 * sign-on had before. A factor that nobody can use here yet is simply in no session.
 */
const factors: Readonly<Record<string, readonly string[]>> = {
  'mfa-gauth': ['otp'],
  'mfa-simple': ['sms', 'otp'],
  'mfa-webauthn': ['hwk', 'swk'],
  'mfa-u2f': ['hwk'],
  'mfa-yubikey': ['hwk'],
}

type Proof = Pick<SsoSession, 'amr'>

/** Whether the session proves this second factor. A method that we do not know, none does. */
export function provesMethod({ amr }: Proof, method: string): boolean {
  const shown = Object.hasOwn(factors, method) ? factors[method] : undefined
  return amr.includes('mfa') && shown?.some((value) => amr.includes(value)) === true
}

/**
 * Before anybody types a password in vain: a method without a name here can never be met.
 *
 * @throws {IdpError} CAS_AUTHN_METHOD_UNMET
 */
export function assertReachable(method: string): void {
  if (!Object.hasOwn(factors, method)) throw methodUnmet(method)
}

/**
 * What goes as `authnContextClass`: the second factor, by the name that was asked for, else by the
 * first that fits. Absent after a password alone, as services expect that look for `mfa-…` in it.
 */
export function authnContextClass(proof: Proof, asked: string | undefined): string | undefined {
  if (asked !== undefined && provesMethod(proof, asked)) return asked
  return Object.keys(factors).find((method) => provesMethod(proof, method))
}

/** Told here and not to the service: CAS has no answer but a ticket, and a ticket would be a lie. */
export function methodUnmet(method: string): IdpError {
  const shown = method.slice(0, 60)
  return new IdpError(
    'CAS_AUTHN_METHOD_UNMET',
    `authn_method is "${shown}", which the sign-in does not prove`,
    { status: 403 },
  )
}
