import { type InferSchemaType, model, Schema } from 'mongoose'
import type { Logger } from 'pino'
import type { AuditEvent, AuditLog } from './audit-log.ts'

/** A batch is written when it is this old (milliseconds) or this long, whichever comes first. */
const flushAfterMs = 100
const flushAtLength = 200
/** Beyond this the oldest are dropped, with a log line: memory must not grow while the store is away. */
const maxQueued = 20_000

const auditSchema = new Schema(
  {
    at: { type: Date, required: true },
    event: { type: String, required: true },
    result: { type: String, required: true },
    reason: String,
    personId: String,
    username: String,
    service: String,
    sessionId: String,
    address: String,
    userAgent: String,
    details: Schema.Types.Mixed,
  },
  { versionKey: false },
)
auditSchema.index({ at: 1 })
auditSchema.index({ personId: 1, at: 1 })
// The helpdesk asks by what a person quotes; most events have none.
auditSchema.index({ 'details.reference': 1 }, { sparse: true })

export const AuditModel = model('Audit', auditSchema, 'audit')

type AuditRecord = InferSchemaType<typeof auditSchema>

/**
 * The audit log in the store. Events are written in batches, so that a sign-in does not wait for
 * them; what a crash can lose is the last tenth of a second. A failed write is retried with the next batch.
 */
export function openAuditLog(log: Logger, now: () => Date): AuditLog {
  let queue: AuditRecord[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(writeBatch)
    return writing
  }

  async function writeBatch(): Promise<void> {
    if (queue.length === 0) return
    const batch = queue
    queue = []
    try {
      // The driver directly: these records need no casting, and there are many of them.
      await AuditModel.collection.insertMany(batch as never[], { ordered: false })
    } catch (error) {
      queue = [...batch, ...queue]
      const dropped = Math.max(0, queue.length - maxQueued)
      if (dropped > 0) queue = queue.slice(dropped)
      log.error({ err: error, waiting: queue.length, dropped }, 'audit log cannot be written')
    }
  }

  return {
    record(event: AuditEvent) {
      queue.push({ at: now(), ...event } as AuditRecord)
      if (queue.length >= flushAtLength) void flush()
      else timer ??= setTimeout(() => void flush(), flushAfterMs)
    },
    async close() {
      await flush()
    },
  }
}
