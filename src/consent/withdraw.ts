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
 * Takes back what a person agreed to, or was told, about a service. After the first write the service
 * must ask again before anything goes; its grants and tokens end then, also those that work offline.
 *
 * @returns false when nothing was in force; tokens end all the same, in case an earlier withdrawal
 *   was cut off half way
 */
export async function withdrawConsent(
  { audit, now }: Pick<AppContext, 'audit' | 'now'>,
  { personId, username, service, language, origin, by }: Withdrawing,
): Promise<boolean> {
  const withdrawn = await recordWithdrawal(personId, service, { at: now(), language })
  await Promise.all([...enders].map((end) => end(personId, service)))
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
