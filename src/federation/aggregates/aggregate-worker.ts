import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, IdpError } from '../../errors.ts'
import { type AggregateEntity, type AggregateSummary, readAggregate } from './aggregate-reader.ts'
import { type BatchSlots, takeSlot } from './batch-slots.ts'
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
  /** Where batches are put; whoever has dealt with one releases its slot. */
  readonly slots: BatchSlots
}

export type AggregateMessage =
  | {
      readonly kind: 'entities'
      readonly entities: readonly IndexedEntity[]
      /** Which buffer has their XML, one after the other. */
      readonly slot: number
      /** Has it instead: an entity that no buffer takes. */
      readonly large?: Uint8Array
      readonly bytesRead: number
    }
  | { readonly kind: 'done'; readonly summary: AggregateSummary }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }

export interface IndexedEntity extends Omit<AggregateEntity, 'xml'> {
  /** Where its XML ends in the batch. */
  readonly xmlEnd: number
}

type Post = (message: AggregateMessage) => void

/** Reads an aggregate off the main thread, which goes on serving sign-ins. */
function run(work: AggregateWork, post: Post): void {
  const { slots } = work
  const buffers = slots.buffers.map((buffer) => new Uint8Array(buffer))
  let batch: IndexedEntity[] = []
  let slot = takeSlot(slots)
  let size = 0
  let bytesRead = 0
  const send = (large?: Uint8Array) => {
    post({ kind: 'entities', entities: batch, slot, bytesRead, ...(large && { large }) })
    batch = []
    slot = takeSlot(slots)
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
          if (batch.length > 0 && size + xml.length > buffers[slot]!.length) send()
          const isLarge = xml.length > buffers[slot]!.length
          if (!isLarge) buffers[slot]!.set(xml, size)
          size += xml.length
          batch.push({ ...facts, xmlEnd: size })
          if (isLarge) send(xml)
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

run(workerData as AggregateWork, (message) => parentPort!.postMessage(message))
