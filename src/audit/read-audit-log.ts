import type { AuditEvent } from './audit-log.ts'
import { AuditModel } from './store-audit-log.ts'

/** An event as the store holds it. */
export type AuditEntry = AuditEvent & { readonly at: Date }

/** Events that carry this reference (`details.reference`), oldest first. */
export function findEventsByReference(reference: string): Promise<AuditEntry[]> {
  return AuditModel.find({ 'details.reference': reference }, { _id: 0 })
    .sort({ at: 1 })
    .lean<AuditEntry[]>()
}

/** Events of these names about one person, newest first. */
export function findEventsOfPerson(
  personId: string,
  names: readonly string[],
  limit: number,
): Promise<AuditEntry[]> {
  return AuditModel.find({ personId, event: { $in: [...names] } }, { _id: 0 })
    .sort({ at: -1 })
    .limit(limit)
    .lean<AuditEntry[]>()
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[]
  /** Entries before this instant come next; absent when these are the last. */
  readonly older?: Date
}

/**
 * The same for lists that go back page by page. Events of one instant stay on one page, so that the
 * instant alone says where the next begins.
 *
 * @param page.limit how many, but for events of the last one's instant
 */
export async function findEventPage(
  personId: string,
  names: readonly string[],
  page: { before?: Date; limit: number },
): Promise<AuditPage> {
  const about = { personId, event: { $in: [...names] } }
  const find = (at?: object) =>
    AuditModel.find(at ? { ...about, at } : about, { _id: 0 }).sort({ at: -1 })
  const entries = await find(page.before && { $lt: page.before })
    .limit(page.limit)
    .lean<AuditEntry[]>()
  const last = entries.at(-1)
  if (!last || entries.length < page.limit) return { entries }
  const earlier = entries.filter(({ at }) => at > last.at)
  const sameInstant = await find(last.at).lean<AuditEntry[]>()
  return { entries: [...earlier, ...sameInstant], older: last.at }
}

/** Everything about one person, oldest first, read as it is taken. */
export function eventsOfPerson(personId: string): AsyncIterable<AuditEntry> {
  return AuditModel.find({ personId }, { _id: 0 }).sort({ at: 1 }).lean<AuditEntry>().cursor()
}
