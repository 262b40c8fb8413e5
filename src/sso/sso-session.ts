import type {} from 'express-session'

/** What the express session holds once a person signed in. Small: it is read on every request. */
export interface SsoSession {
  /** 128 random bits, hex: names this session in the store, in audit and as SAML SessionIndex base. */
  readonly id: string
  /** Account.sessionGeneration at the sign-in; absent: 0. */
  readonly generation?: number
  readonly personId: string
  readonly username: string
  /** Milliseconds since the epoch: when the password was last proved. */
  readonly authnInstant: number
  /** When the session began: the absolute lifetime counts from here. */
  readonly startedAt: number
  /** RFC 8176 values, e.g. ['pwd']. */
  readonly amr: readonly string[]
  /** SAML AuthnContextClassRef / OIDC acr that was reached. */
  readonly acr: string
  /**
   * Some answer said that the password was typed for it: no other says so until it is typed again,
   * which begins a new record. See provenSince().
   */
  isProofTold?: boolean
  /** Milliseconds; moved forward at most once in a tenth of the idle lifetime. */
  lastSeenAt: number
}

/**
 * Whether the password was typed since somebody insisted on that (ForceAuthn, `prompt=login`, `renew`),
 * and for no other who did: the way back in the browser brings nobody a second answer from one
 * password. Whoever answers by it calls useProof().
 *
 * @param sinceMs when it was asked for; milliseconds since the epoch
 */
export function provenSince(
  session: Pick<SsoSession, 'authnInstant' | 'isProofTold'>,
  sinceMs: number,
): boolean {
  return session.authnInstant >= sinceMs && session.isProofTold !== true
}

export function useProof(session: Pick<SsoSession, 'isProofTold'>): void {
  session.isProofTold = true
}

declare module 'express-session' {
  interface SessionData {
    sso?: SsoSession
  }
}
