import type { Disclosure } from '../federation/service.ts'
import { covers, type DisclosureMode } from './consent.ts'
import type { CarriedDecision } from './consent-flow.ts'
import { findConsent, takeOneTimeAgreement } from './consent-store.ts'
import type { ReleaseRef } from './release-ref.ts'

/** Something is about to go to a service. */
export interface Disclosing {
  readonly personId: string
  /** SsoSession.id */
  readonly sessionId: string
  readonly release: ReleaseRef
  readonly disclosure: Disclosure
  /** Names of what would go (`leaving`). */
  readonly attributes: readonly string[]
  /** What the person decided a moment ago, on the way to this answer. */
  readonly decision?: CarriedDecision
  /**
   * Whether this answer is all that an agreement given for once is good for. false: it goes on as
   * long as the tokens of this sign-in.
   */
  readonly usesUp: boolean
}

export type DisclosureOutcome =
  | { readonly kind: 'go' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'show'; readonly mode: DisclosureMode }

const go: DisclosureOutcome = Object.freeze({ kind: 'go' })

/**
 * Whether it may go, the person refused it, or the page must be shown first. Every protocol asks
 * this where it makes its answer, with what that answer would hold: what changed since the person
 * read the page leads to the page again. For silent services it costs nothing.
 */
export async function checkDisclosure(about: Disclosing): Promise<DisclosureOutcome> {
  const { personId, sessionId, release, disclosure: mode, attributes, decision, usesUp } = about
  if (mode === 'silent') return go
  if (decision?.kind === 'disagree') return { kind: 'refused' }
  const record = await findConsent(personId, release)
  if (covers(record?.standing, { mode, attributes })) return go
  const given = record?.once.find(
    (one) => one.version === decision?.version && one.sessionId === sessionId,
  )
  if (!given || !covers(given, { mode, attributes })) return { kind: 'show', mode }
  if (usesUp && !(await takeOneTimeAgreement(personId, release, given.version))) {
    return { kind: 'show', mode }
  }
  return go
}
