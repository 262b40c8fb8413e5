import type { OneTimeCode } from '../codes/one-time-code.ts'
import type { MessageChannel } from '../messages/messages.ts'
import type { Language } from '../web/language.ts'

/** Where a recovery stands: the page that comes next. Each has an address of that name. */
export type RecoveryStep = 'code' | 'password' | 'done'

/** Why no code was sent. The person sees the same pages all the same; the helpdesk may know. */
export type RecoveryFailure =
  | 'unknown-username'
  | 'pending'
  | 'disabled'
  | 'expired'
  | 'institutional-address'
  | 'no-contact'
  | 'no-consent'
  | 'contact-differs'

/** What happened, for the helpdesk. Never a secret, never a number or an address. */
export type RecoveryEventName =
  | 'asked'
  | 'code-sent'
  | 'code-not-sent'
  | 'code-wrong'
  | 'code-right'
  | 'code-expired'
  | 'code-used-up'
  | 'password-refused'
  | 'throttled'
  | 'stopped'
  | 'done'
  | 'replaced'

export interface RecoveryEvent {
  readonly at: Date
  readonly name: RecoveryEventName
  /** RecoveryFailure, ErrorCode or a number of tries. */
  readonly detail?: string
}

/**
 * One way through the recovery's pages, in one browser. An attempt for which no code was sent is
 * stored, read and changed exactly like one with a code: nobody can tell them apart from outside.
 */
export interface RecoveryAttempt {
  /** Keyed hash of the browser's cookie, hex: whoever reads the store cannot go on for them. */
  readonly _id: string
  /** Keyed hash of what the right code added to the cookie, hex. */
  readonly proof?: string
  /** What the person tells the helpdesk, e.g. `K7F-2QX`; unique. */
  readonly reference: string
  readonly step: RecoveryStep
  readonly language: Language
  readonly startedAt: Date
  /** No step after this instant; the record itself stays for the helpdesk until `forgottenAt`. */
  readonly expiresAt: Date
  readonly forgottenAt: Date
  /** Ended: finished, replaced by a new one, or stopped for good. */
  readonly endedAt?: Date
  /** Keyed hash of the username as typed: an unknown one may be a password in the wrong field. */
  readonly usernameKey: string
  readonly channel: MessageChannel
  /** As typed and brought to form; removed at the end. */
  readonly contact?: string
  /** Whose username it is; absent for nobody's. */
  readonly personId?: string
  /** Absent when the code was really sent. */
  readonly failure?: RecoveryFailure
  /** Of the account when the code was sent: who has a new password since then must begin again. */
  readonly passwordChangedAt?: Date
  /** Also without a message: then it is the hash of something that nobody can type. */
  readonly code?: OneTimeCode
  readonly codesSent: number
  /** Sealed sign-in that a service asked for: where the person wanted to go. */
  readonly flow?: string
  /** Why it cannot go on; ErrorCode. */
  readonly stoppedBy?: string
  readonly events: readonly RecoveryEvent[]
}
