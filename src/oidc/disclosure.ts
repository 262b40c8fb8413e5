import type { Request } from 'express'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { disclosureOf } from '../attributes/disclosure.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { oidcScopes, supportedClaims } from '../attributes/scopes.ts'
import { checkDisclosure, type DisclosureOutcome } from '../consent/check-disclosure.ts'
import {
  type CarriedDecision,
  type ConsentQuestion,
  carriedDecision,
} from '../consent/consent-flow.ts'
import { leaving, type OidcReleaseRef, openRelease } from '../consent/release-ref.ts'
import type { AppContext } from '../context.ts'
import type { Disclosure } from '../federation/service.ts'
import { languageOf } from '../web/language.ts'
import { grantSeconds } from './lifetimes.ts'
import { type ActiveSession, activeSession } from './session-binding.ts'

type Params = Readonly<Record<string, unknown>>
type ClaimsParameter = Readonly<
  Record<string, Readonly<Record<string, null | { essential?: boolean }>> | undefined>
>

/** A request as it concerns what people see before anything goes. */
export interface DisclosureOfRequest {
  readonly disclosure: Disclosure
  readonly outcome: DisclosureOutcome
  /** What the page would be about, when it must be shown or the service asks for it. */
  readonly question: Omit<ConsentQuestion, 'next' | 'mode'>
}

/**
 * Whether the claims that an authorization request leads to may go. ID token and userinfo are one:
 * people agree to what a service learns, not to where it reads it.
 *
 * @param params of the authorization request, checked by the library
 * @param decision what the person just said about this request
 * @returns undefined when the service may not be used any more
 */
export async function requestDisclosure(
  context: Pick<AppContext, 'config' | 'now'>,
  environment: AttributeEnvironment,
  request: Request,
  { session, subject }: ActiveSession,
  params: Params,
  decision: CarriedDecision | undefined,
): Promise<DisclosureOfRequest | undefined> {
  const release = releaseRef(params)
  const now = context.now()
  const opened = await openRelease(release, environment, now)
  if (!opened) return undefined
  const { target } = opened
  const disclosure = disclosureOf(target, environment.institution)
  const { personId, id: sessionId } = session
  // A silent service costs no look-up and no computing.
  const attributes = disclosure === 'silent' ? [] : namesFor(target)
  const about = { personId, release, attributes }
  return {
    disclosure,
    outcome: await checkDisclosure({ ...about, sessionId, disclosure, decision, usesUp: false }),
    question: {
      ...about,
      onceSeconds: grantSeconds(context.config, release.scopes.includes('offline_access')),
    },
  }

  function namesFor(to: typeof target): readonly string[] {
    const attributeSubject = { ...subject, now, language: languageOf(request) }
    const released = decideRelease(attributeSubject, to, environment)
    const names = released.attributes.map(({ definition }) => definition.name)
    return leaving(names, release, to)
  }
}

/** The check of the consent prompt, when a request comes and when it goes on after an interaction. */
export async function mustShow(
  context: Pick<AppContext, 'config' | 'now'>,
  environment: AttributeEnvironment,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  const active = await activeSession(context, ctx.req)
  // Nobody is signed in: the login prompt comes first.
  if (!active) return false
  const decision = carriedDecision({ decision: ctx.oidc.result?.consent }, active.session)
  const { params = {} } = ctx.oidc
  const request = ctx.req as Request
  const about = await requestDisclosure(context, environment, request, active, params, decision)
  return about !== undefined && about.outcome.kind !== 'go'
}

function releaseRef({ client_id: clientId, scope, claims }: Params): OidcReleaseRef {
  return {
    protocol: 'oidc',
    id: String(clientId),
    scopes: typeof scope === 'string' ? scope.split(' ').filter(isKnownScope) : [],
    claims: typeof claims === 'string' ? claimsIn(JSON.parse(claims)) : [],
  }
}

/** What a request says besides means nothing here, and would make the page's address long. */
function isKnownScope(scope: string): boolean {
  return scope === 'offline_access' || Object.hasOwn(oidcScopes, scope)
}

/** OpenID Connect Core 5.5; a claim may be in both members. */
function claimsIn({ id_token: idToken, userinfo }: ClaimsParameter): OidcReleaseRef['claims'] {
  const isEssential = new Map<string, boolean>()
  for (const member of [idToken, userinfo]) {
    for (const [name, wish] of Object.entries(member ?? {})) {
      if (!supportedClaims.includes(name)) continue
      isEssential.set(name, isEssential.get(name) || wish?.essential === true)
    }
  }
  return [...isEssential].map(([name, essential]) => ({ name, isEssential: essential }))
}
