/** ask: the person must agree. inform: they are told, and go on. */
export type DisclosureMode = 'ask' | 'inform'

/**
 * Of the consent page's texts; part of every decision. Change it whenever their meaning changes. Who
 * agreed under an earlier wording is not asked again for that alone.
 */
export const consentWording = '1'

/** Names one service, whatever its protocol. */
export interface ServiceRef {
  readonly protocol: 'saml' | 'oidc' | 'cas'
  /** entityID, client_id or registered address. */
  readonly id: string
}

export type DecisionKind = 'agree' | 'disagree' | 'inform' | 'withdraw'

/** One decision as it was taken; never changed afterwards. */
export interface Decision {
  readonly version: number
  readonly at: Date
  /** inform: went on after the notice. */
  readonly kind: DecisionKind
  /** Absent when withdrawn. */
  readonly mode?: DisclosureMode
  /** Names of the attribute table, as the page showed them. */
  readonly attributes: readonly string[]
  /** false: it was good for one answer. Absent when nothing was allowed. */
  readonly isRemembered?: boolean
  /** In which the page was read; absent when nobody read one (helpdesk). */
  readonly language?: 'el' | 'en'
  readonly wording: string
}

/** What may go without asking. */
export interface Agreement {
  /** Of the decision that it comes from, the newest one when there were several. */
  readonly version: number
  readonly at: Date
  readonly mode: DisclosureMode
  readonly attributes: readonly string[]
}

/**
 * An agreement that is not remembered: it is used up by one SAML answer, or belongs to the tokens
 * that an OpenID Connect service got in this sign-in.
 */
export interface OneTimeAgreement extends Agreement {
  /** SsoSession.id */
  readonly sessionId: string
  /** When nothing that it was given for can be left. */
  readonly until: Date
}

/** All that one person decided about one service. */
export interface ConsentRecord extends ServiceRef {
  readonly _id: string
  readonly personId: string
  /** Of the last decision: 1, 2, 3 … */
  readonly version: number
  /** Remembered; absent until then, and after a withdrawal. */
  readonly standing?: Agreement
  readonly once: readonly OneTimeAgreement[]
  /** The newest last; the oldest are dropped. */
  readonly decisions: readonly Decision[]
  readonly decidedAt: Date
}

/**
 * Whether the agreement is enough for these attributes to go. Having read a notice is no consent;
 * having consented is as good as having read one. Fewer attributes than agreed are fine.
 */
export function covers(
  agreement: Agreement | undefined,
  wanted: { readonly mode: DisclosureMode; readonly attributes: readonly string[] },
): boolean {
  if (!agreement || (wanted.mode === 'ask' && agreement.mode !== 'ask')) return false
  return wanted.attributes.every((name) => agreement.attributes.includes(name))
}

/** What may go now without the person being asked. */
export function inForce(
  { standing, once }: Pick<ConsentRecord, 'standing' | 'once'>,
  now: Date,
): readonly Agreement[] {
  return [...(standing ? [standing] : []), ...once.filter(({ until }) => until > now)]
}

/** Each name once, in the order of the agreements. */
export function attributesOf(agreements: readonly Agreement[]): string[] {
  return [...new Set(agreements.flatMap(({ attributes }) => attributes))]
}
