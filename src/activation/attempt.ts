import type { AmkaRegistry } from '../amka-registry/amka-registry.ts'
import type { OneTimeCode } from '../codes/one-time-code.ts'
import type { SealedNationalNumber } from '../people/person.ts'
import type { RoleChoice } from '../people/role-choice.ts'
import type { Language } from '../web/language.ts'

/** Where an activation stands: the page that comes next. Each has an address of that name. */
export type ActivationStep =
  | 'role'
  | 'contact'
  | 'pin'
  | 'fact'
  | 'number'
  | 'review'
  | 'password'
  | 'done'

/** What happened, for the helpdesk. Never a secret, never a number or an address. */
export type ActivationEventName =
  | 'started'
  | 'role-chosen'
  | 'contact-not-found'
  | 'contact-found'
  | 'pin-sent'
  | 'pin-not-sent'
  | 'pin-wrong'
  | 'pin-right'
  | 'pin-expired'
  | 'pin-used-up'
  | 'fact-wrong'
  | 'fact-right'
  | 'number-given'
  | 'number-checked'
  | 'stopped'
  | 'throttled'
  | 'agreed'
  | 'disagreed'
  | 'password-refused'
  | 'done'
  | 'replaced'
  | 'left'

export interface ActivationEvent {
  readonly at: Date
  readonly name: ActivationEventName
  /** ErrorCode or a reason, e.g. `ACTIVATION_AMKA_MISMATCH`, `missing: username, amka`. */
  readonly detail?: string
}

/** One person's way through the pages, in one browser. */
export interface ActivationAttempt {
  /** Keyed hash of the browser's cookie, hex: whoever reads the store cannot go on for them. */
  readonly _id: string
  /** The same of the cookie's second part, from the right PIN on (AttemptKey). */
  readonly proof?: string
  /** What the person tells the helpdesk, e.g. `K7F-2QX`; unique. */
  readonly reference: string
  readonly step: ActivationStep
  readonly language: Language
  readonly startedAt: Date
  /** No step after this instant; the record itself stays for the helpdesk until `forgottenAt`. */
  readonly expiresAt: Date
  readonly forgottenAt: Date
  /** Ended: finished, replaced by a new one, left, or stopped for good. */
  readonly endedAt?: Date
  readonly role?: RoleChoice
  /** As typed and brought to form; removed at the end. */
  readonly mobile?: string
  readonly email?: string
  /** Who the contact belongs to in the records: several for a family telephone. */
  readonly candidates?: readonly string[]
  readonly pin?: OneTimeCode
  /** PINs sent so far. */
  readonly pinsSent?: number
  /** Channels whose PIN came back. */
  readonly proven?: readonly ('sms' | 'email')[]
  /** The one fact more that is asked next, when several people share the contact. */
  readonly fact?: 'birthDate' | 'registrationNumber'
  readonly factTriesLeft?: number
  /** Who it is, once PIN and facts have told. */
  readonly personId?: string
  /** A number that the record lacks, as given and (AMKA) found right. */
  readonly number?: SealedNationalNumber
  /** The look-up key of the number that was checked: another number in the record is checked anew. */
  readonly checkedNumber?: string
  readonly numberCheckedBy?: AmkaRegistry['name']
  /** The role comes onto an account that is active already. */
  readonly isSecondRole?: boolean
  readonly consentMobile?: boolean
  readonly consentEmail?: boolean
  readonly agreedAt?: Date
  /** As the person reviewed it. */
  readonly username?: string
  /** Sealed sign-in that a service asked for: where the person wanted to go. */
  readonly flow?: string
  /** Why it cannot go on; ErrorCode. */
  readonly stoppedBy?: string
  readonly events: readonly ActivationEvent[]
}
