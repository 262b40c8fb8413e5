import type { ErrorCode } from '../../errors.ts'
import type { AggregateSummary } from './aggregate-reader.ts'
import type { AggregateWork } from './aggregate-worker.ts'

/** What the import process is told when it starts; it holds secrets, so never arguments or environment. */
export interface ImportOrder {
  readonly storeUri: string
  readonly federation: string
  readonly generation: string
  readonly work: Omit<AggregateWork, 'slots'>
}

export type ImportReport =
  | { readonly kind: 'progress'; readonly bytesRead: number }
  | {
      readonly kind: 'done'
      readonly summary: AggregateSummary
      /** The most memory that the process had resident, in bytes. */
      readonly peakResident: number
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
