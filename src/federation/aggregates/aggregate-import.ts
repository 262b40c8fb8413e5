import { hash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { Binary } from 'mongodb'
import { IdpError } from '../../errors.ts'
import type { AggregateSummary } from './aggregate-reader.ts'
import type { AggregateMessage, AggregateWork, IndexedEntity } from './aggregate-worker.ts'
import { type FederationEntity, federationEntities } from './federation-model.ts'

/** Batches of some hundred kilobytes: read ahead of the store, but not far. */
const batchesAhead = 2
/** Deleted at once: a store holds others up for as long as one request takes. */
const deleteBatch = 500

export interface ImportOptions extends Omit<AggregateWork, 'credits'> {
  readonly federation: string
  readonly generation: string
  readonly onProgress?: (bytesRead: number) => void
  readonly signal?: AbortSignal
}

/**
 * Verifies an aggregate and writes its entities under a generation that nobody uses yet. What was
 * written of one that is refused in the end stays until removeGeneration().
 *
 * @throws {IdpError} METADATA_INVALID, METADATA_SIGNATURE_INVALID, METADATA_NOT_CURRENT
 */
export async function importAggregate(options: ImportOptions): Promise<AggregateSummary> {
  const { federation, generation, onProgress, signal, ...work } = options
  const credits = new Int32Array(new SharedArrayBuffer(4))
  credits[0] = batchesAhead
  const worker = new Worker(new URL('./aggregate-worker.ts', import.meta.url), {
    workerData: { ...work, credits } satisfies AggregateWork,
    name: 'propylaia-aggregate',
    // Not the flags of this process: those of a test runner or inspector are not the thread's.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
  })
  try {
    return await new Promise<AggregateSummary>((resolve, reject) => {
      const writing = new Set<Promise<void>>()
      const write = async (entities: readonly IndexedEntity[], xml: Uint8Array) => {
        const records = entities.map((entity, index) => {
          const own = xml.subarray(entities[index - 1]?.xmlEnd ?? 0, entity.xmlEnd)
          return toRecord(entity, own, federation, generation)
        })
        await federationEntities().insertMany(records, { ordered: false })
        Atomics.add(credits, 0, 1)
        Atomics.notify(credits, 0)
      }
      signal?.addEventListener('abort', () => reject(new Error('it is given up')), { once: true })
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the reader of the aggregate ended early')))
      worker.on('message', (message: AggregateMessage) => {
        if (message.kind === 'entities') {
          const written = write(message.entities, message.xml)
          writing.add(written)
          written.then(() => writing.delete(written), reject)
          onProgress?.(message.bytesRead)
        } else if (message.kind === 'done') {
          worker.removeAllListeners('exit')
          Promise.all(writing).then(() => resolve(message.summary), reject)
        } else reject(new IdpError(message.code, message.message))
      })
    })
  } finally {
    await worker.terminate()
  }
}

function toRecord(
  { xmlEnd: _xmlEnd, cacheDurationSeconds, ...facts }: IndexedEntity,
  xml: Uint8Array,
  federation: string,
  generation: string,
): FederationEntity {
  return {
    _id: entityKey(generation, facts.entityId),
    generation,
    federation,
    ...facts,
    ...(cacheDurationSeconds !== undefined && { cacheDurationSeconds }),
    xml: new Binary(xml),
  }
}

/**
 * generation:SHA-1:SHA-256 of the entityID, in one index: found by the entityID, by the SHA-1 alone
 * (as MDQ asks), and all of a generation. SHA-1 would not do: two entityIDs can be made to share it.
 */
export function entityKey(generation: string, entityId: string): string {
  const sha256 = hash('sha256', entityId, 'base64url')
  return `${generation}:${hash('sha1', entityId)}:${sha256}`
}

/** Removes all entities of a generation, in steps that hold nobody up. */
export async function removeGeneration(generation: string): Promise<void> {
  for (;;) {
    const some = await federationEntities()
      .find({ _id: { $gte: `${generation}:`, $lt: `${generation};` } }, { projection: { _id: 1 } })
      .limit(deleteBatch)
      .toArray()
    if (some.length === 0) return
    await federationEntities().deleteMany({ _id: { $in: some.map(({ _id }) => _id) } })
  }
}
