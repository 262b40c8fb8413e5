import type { PageText } from '../web/page-text.ts'
import type { FederationEvidence } from './federation-evidence.ts'
import type { LiveCheck } from './live-check-model.ts'
import type { MetadataFetch } from './metadata-fetch-model.ts'
import { cacheDurationHours } from './promotion-date.ts'

/**
 * Whether a service would still accept us after the promotion of a key.
 *
 * - `ready`: yes, and something shows it
 * - `waits`: probably, once it had the time to read the key
 * - `breaks`: no
 * - `unknown`: nothing tells
 */
export type VerdictState = 'ready' | 'waits' | 'breaks' | 'unknown'

export interface Verdict {
  readonly state: VerdictState
  /** `waits`: until when, by what is known. */
  readonly until?: Date
  /** Why: texts are `admin.keys.evidence.…`. */
  readonly evidence: readonly PageText[]
}

/** A verdict by one kind of evidence. */
interface Part extends Verdict {
  /** As of when it holds, for one that says ready. */
  readonly at?: Date
}

/** What is known about one service and one staged key. */
export interface SamlFacts {
  readonly kid: string
  readonly stagedAt: Date
  readonly safeAt: Date
  readonly now: Date
  readonly federationRefreshHours: number
  /** From addresses of the service's own hosts. */
  readonly fetches: readonly MetadataFetch[]
  /** Names of other services at those addresses: a fetch could be theirs. */
  readonly sharedWith: readonly string[]
  /** The federation that it is in, when that federation has us. */
  readonly federation?: FederationEvidence
  readonly live?: LiveCheck
}

/** Fetches that make a habit: whoever fetched that often had nothing pinned. */
const habit = 3
const hourMs = 3_600_000

/** What the strongest evidence says; the rest is told beside it. */
export function samlVerdict(facts: SamlFacts): Verdict {
  const parts = [byLiveCheck(facts), byFederation(facts), byFetches(facts)].filter(
    (verdict) => verdict !== undefined,
  )
  const evidence = parts.flatMap((part) => part.evidence)
  const [strongest] = parts.filter(({ state }) => state !== 'unknown')
  if (!strongest) {
    return { state: 'unknown', evidence: evidence.length ? evidence : [told('never')] }
  }
  // It may have read the key after it refused it, or by another way than the federation.
  const refusedAt = facts.live?.result === 'refuses' ? facts.live.at : undefined
  const isOutdone = parts.some(
    ({ state, at }) => state === 'ready' && (!refusedAt || (at !== undefined && at > refusedAt)),
  )
  return isOutdone
    ? { state: 'ready', evidence }
    : { state: strongest.state, until: strongest.until, evidence }
}

type Values = NonNullable<PageText['values']>

function told(name: string, values?: Values): PageText {
  return { key: `admin.keys.evidence.${name}`, values }
}

function byLiveCheck(
  facts: Pick<SamlFacts, 'live' | 'now' | 'safeAt' | 'fetches' | 'federation'>,
): Part | undefined {
  const { live, now, safeAt, fetches, federation } = facts
  if (!live) return undefined
  const values = { date: live.at.toISOString() }
  if (live.result === 'accepts') {
    return { state: 'ready', evidence: [told('liveAccepts', values)] }
  }
  if (live.result === 'cannot-tell') {
    return { state: 'unknown', evidence: [told(`live.${live.reason ?? 'unclear'}`, values)] }
  }
  const reads = fetches.length > 0 || federation?.isMember === true
  const isEarly = now < safeAt && reads
  return {
    state: isEarly ? 'waits' : 'breaks',
    until: isEarly ? safeAt : undefined,
    evidence: [told(isEarly ? 'liveRefusesYet' : 'liveRefuses', values)],
  }
}

function byFederation(facts: SamlFacts): Part | undefined {
  const { federation, kid, now, safeAt, federationRefreshHours } = facts
  if (!federation) return undefined
  const name = { federation: federation.federation }
  if (!federation.isMember) {
    return { state: 'unknown', evidence: [told('notInFederation', name)] }
  }
  const since = federation.keys.get(kid)
  if (since === undefined) {
    const isEarly = now < safeAt
    return {
      state: isEarly ? 'waits' : 'breaks',
      until: isEarly ? safeAt : undefined,
      evidence: [told('federationLacks', name)],
    }
  }
  const readAt = new Date(since.getTime() + federationRefreshHours * hourMs)
  const values = { ...name, date: since.toISOString() }
  const evidence = [told('federationHas', values)]
  return readAt <= now
    ? { state: 'ready', at: readAt, evidence }
    : { state: 'waits', until: readAt, evidence }
}

function byFetches(facts: SamlFacts): Part | undefined {
  const { fetches, kid, now, safeAt, sharedWith } = facts
  const last = latest(fetches)
  if (!last) return undefined
  const hasKey = fetches.some(({ kids }) => kids.includes(kid))
  const seen = latest(fetches.filter(({ kids }) => kids.includes(kid) === hasKey)) ?? last
  const values = {
    date: seen.lastAt.toISOString(),
    program: seen.program || '–',
    address: seen.address,
  }
  const way = told(hasKey ? 'fetchedWith' : 'fetchedWithout', values)
  if (sharedWith.length > 0) {
    const shared = told('shared', { services: sharedWith.join(', ') })
    return { state: 'unknown', evidence: [way, shared] }
  }
  if (hasKey) {
    // Another program there, or another machine of the same name, may have its own copy.
    const lagging = fetches.find(({ kids, count }) => !kids.includes(kid) && count >= habit)
    if (!lagging || now >= safeAt) return { state: 'ready', at: seen.lastAt, evidence: [way] }
    const other = told('lagging', { program: lagging.program || '–', address: lagging.address })
    return { state: 'waits', until: safeAt, evidence: [way, other] }
  }
  if (now < safeAt) return { state: 'waits', until: nextLook(seen, now, safeAt), evidence: [way] }
  const stopped = told('stopped')
  return { state: seen.count >= habit ? 'breaks' : 'unknown', evidence: [way, stopped] }
}

/** A reader that keeps to our cacheDuration looks again by then; others by the safe date. */
function nextLook({ lastAt }: MetadataFetch, now: Date, safeAt: Date): Date {
  const next = new Date(lastAt.getTime() + cacheDurationHours * hourMs)
  return next > now ? next : safeAt
}

/** What is known about one client and one staged key. */
export interface OidcFacts {
  readonly kid: string
  readonly now: Date
  readonly safeAt: Date
  /** Its ID tokens are signed by its own secret: our keys do not matter to it. */
  readonly isSymmetric: boolean
  /** Calls of the token endpoint by this client. */
  readonly signIns: readonly MetadataFetch[]
  /** Fetches of the JWKS by the programs that made those calls, or from the client's own hosts. */
  readonly fetches: readonly MetadataFetch[]
  readonly live?: LiveCheck
}

/** Asked itself, a client reads the JWKS again before it answers: no other evidence is as good. */
export function oidcVerdict(facts: OidcFacts): Verdict {
  const byFetch = byJwks(facts)
  const byLive = facts.isSymmetric ? undefined : byLiveCheck(facts)
  if (!byLive) return byFetch
  const evidence = [...byLive.evidence, ...byFetch.evidence]
  const { state, until } = byLive.state === 'unknown' ? byFetch : byLive
  return { state, until, evidence }
}

function byJwks(facts: OidcFacts): Verdict {
  const { kid, now, safeAt, isSymmetric, signIns, fetches } = facts
  if (isSymmetric) return { state: 'ready', evidence: [told('symmetric')] }
  const last = latest(fetches)
  if (!last) {
    const key = signIns.length > 0 ? 'neverJwks' : 'neverSignedIn'
    return { state: 'unknown', evidence: [told(key)] }
  }
  const hasKey = fetches.some(({ kids }) => kids.includes(kid))
  const values = {
    date: last.lastAt.toISOString(),
    program: last.program || '–',
    address: last.address,
  }
  if (hasKey) return { state: 'ready', evidence: [told('jwksWith', values)] }
  const evidence = [told('jwksWithout', values)]
  return now < safeAt
    ? { state: 'waits', until: safeAt, evidence }
    : { state: 'ready', evidence: [...evidence, told('jwksAgain')] }
}

function latest(fetches: readonly MetadataFetch[]): MetadataFetch | undefined {
  return fetches.reduce<MetadataFetch | undefined>(
    (last, one) => (last && last.lastAt >= one.lastAt ? last : one),
    undefined,
  )
}
