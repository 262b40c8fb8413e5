import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, IdpError } from '../../errors.ts'
import { type AggregateEntity, type AggregateSummary, readAggregate } from './aggregate-reader.ts'
import { matchesFilters } from './federation-filters.ts'
import type { FederationFilters } from './federation-model.ts'
import { readPinnedKeys } from './pinned-keys.ts'

export interface AggregateWork {
  readonly file: string
  readonly keysPem: string
  readonly filters: FederationFilters
  /** Taken whatever the filters say: what the federation publishes about us is worth knowing. */
  readonly ownEntityId?: string
  readonly now: Date
  readonly clockSkewMs: number
  readonly maxValidityMs: number
  readonly maxBytes: number
  /** How many batches may be under way; the worker takes one off and sleeps at none. */
  readonly credits: Int32Array<SharedArrayBuffer>
}

export type AggregateMessage =
  | {
      readonly kind: 'entities'
      readonly entities: readonly IndexedEntity[]
      /** Their XML, one after the other: one buffer that changes hands instead of hundreds copied. */
      readonly xml: Uint8Array<ArrayBuffer>
      readonly bytesRead: number
    }
  | { readonly kind: 'done'; readonly summary: AggregateSummary }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }

export interface IndexedEntity extends Omit<AggregateEntity, 'xml'> {
  /** Where its XML ends in the batch. */
  readonly xmlEnd: number
}

const batchBytes = 400_000

type Post = (message: AggregateMessage, transfer?: ArrayBuffer[]) => void

/** Reads an aggregate off the main thread, which goes on serving sign-ins. */
function run(work: AggregateWork, post: Post): void {
  const { credits } = work
  let batch: IndexedEntity[] = []
  let pieces: Uint8Array[] = []
  let size = 0
  let bytesRead = 0
  const send = () => {
    while (Atomics.load(credits, 0) <= 0) Atomics.wait(credits, 0, 0)
    Atomics.sub(credits, 0, 1)
    const xml = new Uint8Array(size)
    let position = 0
    for (const piece of pieces) {
      xml.set(piece, position)
      position += piece.length
    }
    post({ kind: 'entities', entities: batch, xml, bytesRead }, [xml.buffer])
    batch = []
    pieces = []
    size = 0
  }
  let descriptor: number | undefined
  try {
    const file = openFile(work.file)
    descriptor = file
    const summary = readAggregate(
      (target) => {
        const count = readSync(file, target, 0, target.length, null)
        bytesRead += count
        return count
      },
      {
        ...work,
        keys: readPinnedKeys(work.keysPem),
        wants: (facts) =>
          facts.entityId === work.ownEntityId || matchesFilters(facts, work.filters),
        onEntity: ({ xml, ...facts }) => {
          pieces.push(xml)
          size += xml.length
          batch.push({ ...facts, xmlEnd: size })
          if (size >= batchBytes) send()
        },
      },
    )
    if (batch.length > 0) send()
    post({ kind: 'done', summary })
  } catch (error) {
    if (!(error instanceof IdpError)) throw error
    post({ kind: 'refused', code: error.code, message: error.message })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'r')
  } catch (error) {
    throw new IdpError('METADATA_UNREACHABLE', `${file}: ${(error as Error).message}`)
  }
}

run(workerData as AggregateWork, (message, transfer) =>
  parentPort!.postMessage(message, transfer ?? []),
)
