import { Worker } from 'node:worker_threads'
import type { Collection } from 'mongodb'
import { IdpError } from '../../errors.ts'
import type { AggregateSummary } from './aggregate-reader.ts'
import type { AggregateMessage, AggregateWork, IndexedEntity } from './aggregate-worker.ts'
import { type BatchSlots, makeSlots, releaseSlot } from './batch-slots.ts'
import { entityKey } from './entity-key.ts'
import type { FederationEntity } from './federation-model.ts'
import type { ImportOrder, ImportReport } from './import-messages.ts'

/**
 * The import of one aggregate, in a process of its own (aggregate-import.ts starts it): a server that
 * signs people in neither shares its memory with a hundred megabytes of metadata nor ends with it.
 * A thread reads and verifies; this one writes to the store.
 */

/** Read ahead of the store, but not far. */
const slotCount = 3
const slotBytes = 512 * 1024

async function importEntities(order: ImportOrder): Promise<AggregateSummary> {
  const slots = makeSlots(slotCount, slotBytes)
  const worker = new Worker(new URL('./aggregate-worker.ts', import.meta.url), {
    workerData: { ...order.work, slots } satisfies AggregateWork,
    name: 'propylaia-aggregate',
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 24 },
  })
  const store = connect(order.storeUri)
  try {
    return await writeAll(worker, slots, order, store)
  } finally {
    await worker.terminate()
    const connected = await store.catch(() => undefined)
    await connected?.client.close()
  }
}

/** The driver is loaded while the reader starts. */
async function connect(uri: string) {
  const { Binary, MongoClient } = await import('mongodb')
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 })
  const entities: Collection<FederationEntity> = client.db().collection('federationEntities')
  return { client, entities, binary: (bytes: Uint8Array) => new Binary(bytes) }
}

function writeAll(
  worker: Worker,
  slots: BatchSlots,
  order: ImportOrder,
  store: ReturnType<typeof connect>,
): Promise<AggregateSummary> {
  return new Promise((resolve, reject) => {
    const buffers = slots.buffers.map((buffer) => new Uint8Array(buffer))
    const writing = new Set<Promise<void>>()
    const write = async (batch: readonly IndexedEntity[], xml: Uint8Array, slot: number) => {
      const { entities, binary } = await store
      const records = batch.map(({ xmlEnd, ...facts }, index) => {
        const own = binary(xml.subarray(batch[index - 1]?.xmlEnd ?? 0, xmlEnd))
        return toRecord(facts, own, order)
      })
      await entities.insertMany(records, { ordered: false })
      releaseSlot(slots, slot)
    }
    store.catch(reject)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the reader of the aggregate ended early')))
    worker.on('message', (message: AggregateMessage) => {
      if (message.kind === 'entities') {
        const { entities, slot, large, bytesRead } = message
        const written = write(entities, large ?? buffers[slot]!, slot)
        writing.add(written)
        written.then(() => writing.delete(written), reject)
        report({ kind: 'progress', bytesRead })
      } else if (message.kind === 'done') {
        worker.removeAllListeners('exit')
        Promise.all(writing).then(() => resolve(message.summary), reject)
      } else reject(new IdpError(message.code, message.message))
    })
  })
}

function toRecord(
  { cacheDurationSeconds, ...facts }: Omit<IndexedEntity, 'xmlEnd'>,
  xml: FederationEntity['xml'],
  { federation, generation }: ImportOrder,
): FederationEntity {
  return {
    _id: entityKey(generation, facts.entityId),
    generation,
    federation,
    ...facts,
    ...(cacheDurationSeconds !== undefined && { cacheDurationSeconds }),
    xml,
  }
}

function report(message: ImportReport, sent?: () => void): void {
  process.send?.(message, undefined, undefined, sent)
}

const end = () => process.exit()

process.once('message', async (order: ImportOrder) => {
  try {
    const summary = await importEntities(order)
    report({ kind: 'done', summary, peakResident: process.resourceUsage().maxRSS * 1024 }, end)
  } catch (error) {
    const { message } = error as Error
    report(
      error instanceof IdpError
        ? { kind: 'refused', code: error.code, message }
        : { kind: 'failed', message },
      end,
    )
  }
})
// Whoever started the import is gone, and with it the lease under which this writes.
process.once('disconnect', end)
// Ctrl-C reaches the whole group: the process that started this one says when to stop.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
