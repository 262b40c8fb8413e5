import type { AppContext } from '../context.ts'
import { type LoginFlow, openServiceFlow, resumeUrl, sealFlow } from '../sso/login-flow.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import type { DisclosureMode } from './consent.ts'
import type { ReleaseRef } from './release-ref.ts'

type FlowContext = Pick<AppContext, 'secrets' | 'now' | 'config'>

export const consentPath = '/consent'

/** What the page is about. Sealed in its address, so that it holds for this person and service alone. */
export interface ConsentQuestion {
  readonly personId: string
  readonly release: ReleaseRef
  readonly mode: DisclosureMode
  /** Names of the attributes that the page shows. What is decided is decided about these. */
  readonly attributes: readonly string[]
  /** How long an agreement that is not remembered can be of use to the protocol. */
  readonly onceSeconds: number
  /** Where the protocol goes on. */
  readonly next: NextStep
}

export type NextStep = Pick<LoginFlow, 'resume' | 'state' | 'forceAuthn' | 'redirectsTo'>

/** What the person decided, on the way back to the protocol. */
export interface CarriedDecision {
  readonly kind: 'agree' | 'disagree'
  readonly personId: string
  /** SsoSession.id */
  readonly sessionId: string
  /** Of the record: what was agreed to is read there. */
  readonly version: number
}

/** The address of the page. */
export function consentUrl(context: FlowContext, question: ConsentQuestion): string {
  const { protocol, id } = question.release
  const { redirectsTo } = question.next
  const token = sealFlow(context, {
    resume: consentPath,
    service: { protocol, id },
    state: question,
    ...(redirectsTo === undefined ? {} : { redirectsTo }),
  })
  return resumeUrl({ resume: consentPath }, token)
}

/** @throws {IdpError} LOGIN_FLOW_INVALID, LOGIN_FLOW_EXPIRED */
export function openConsentFlow(context: FlowContext, token: unknown): ConsentQuestion {
  return openServiceFlow(context, token, consentPath).state as ConsentQuestion
}

/** The flow with which the protocol goes on, with a decision or as if nobody had asked. */
export function sealNext(
  context: FlowContext,
  { release, next }: ConsentQuestion,
  decision?: CarriedDecision,
): string {
  const { protocol, id } = release
  return sealFlow(context, {
    ...next,
    service: { protocol, id },
    ...(decision ? { decision } : {}),
  })
}

/**
 * The decision that a flow brings back, if it is of who is signed in now, in the same sign-in. That
 * the flow belongs to this service and this request, its opener has checked.
 */
export function carriedDecision(
  flow: Pick<LoginFlow, 'decision'>,
  session: Pick<SsoSession, 'id' | 'personId'> | undefined,
): CarriedDecision | undefined {
  const decision = flow.decision as CarriedDecision | undefined
  const isOwn =
    session && decision?.personId === session.personId && decision.sessionId === session.id
  return isOwn ? decision : undefined
}
