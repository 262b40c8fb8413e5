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
