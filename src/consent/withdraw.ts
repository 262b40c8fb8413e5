import type { AppContext } from '../context.ts'
import type { ServiceRef } from './consent.ts'
import { recordWithdrawal } from './consent-store.ts'

/** Removes what a protocol keeps of a service's access to a person's data. */
export type EndAccess = (personId: string, service: ServiceRef) => Promise<void>

const enders = new Set<EndAccess>()

/** A protocol with tokens of its own says here how those of one service go. */
export function onWithdraw(end: EndAccess): void {
  enders.add(end)
}

/** Who withdraws, for the audit log. */
export interface Withdrawing {
  readonly personId: string
  readonly username: string
  readonly service: ServiceRef
  readonly language?: 'el' | 'en'
  /** Further facts of the audit entry: where from, in which session. */
  readonly origin?: object
  readonly by: 'owner' | 'command line'
}

/**
 * Takes back what a person agreed to, or was told, about a service: it must ask again before anything
 * goes, and its grants and tokens end, also those that work offline.
 *
 * @returns false when nothing was in force
 */
export async function withdrawConsent(
  { audit, now }: Pick<AppContext, 'audit' | 'now'>,
  { personId, username, service, language, origin, by }: Withdrawing,
): Promise<boolean> {
  // Before the write, so that a process that dies after it has left no token alive where the person
  // sees nothing more to withdraw; after it again, for a token that was made in between.
  await endAccess(personId, service)
  const withdrawn = await recordWithdrawal(personId, service, { at: now(), language })
  await endAccess(personId, service)
  if (!withdrawn) return false
  const { version, attributes } = withdrawn
  audit.record({
    event: 'consent.withdraw',
    result: 'success',
    personId,
    username,
    service: service.id,
    ...origin,
    details: { by, protocol: service.protocol, version, attributes },
  })
  return true
}

async function endAccess(personId: string, service: ServiceRef): Promise<void> {
  await Promise.all([...enders].map((end) => end(personId, service)))
}
