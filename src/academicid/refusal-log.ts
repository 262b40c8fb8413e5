import type { AuditLog } from '../audit/audit-log.ts'

/** Strangers knock as often as they like: the log says so once in this time. Milliseconds. */
const everyMs = 60_000

export type RefusalReason = 'no-token' | 'wrong-token'

/** Requests without a valid token, in the audit log; those soon after one are counted with the next. */
export class RefusalLog {
  readonly #audit: Pick<AuditLog, 'record'>
  readonly #now: () => number
  readonly #seen = new Map<RefusalReason, { at: number; unwritten: number }>()

  constructor(audit: Pick<AuditLog, 'record'>, now: () => number = Date.now) {
    this.#audit = audit
    this.#now = now
  }

  /** @param address of the request that is written down; those counted may have had others */
  note(reason: RefusalReason, address: string | undefined): void {
    const at = this.#now()
    const last = this.#seen.get(reason)
    if (last && at - last.at < everyMs) {
      last.unwritten += 1
      return
    }
    this.#seen.set(reason, { at, unwritten: 0 })
    this.#audit.record({
      event: 'academicid.refused',
      result: 'failure',
      reason,
      address,
      ...(last?.unwritten ? { details: { sinceTheLast: last.unwritten } } : {}),
    })
  }
}
