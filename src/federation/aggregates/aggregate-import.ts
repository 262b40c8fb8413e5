import { fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { childEnvironment } from '../../child-environment.ts'
import { IdpError } from '../../errors.ts'
import { connectedStoreUri } from '../../store/connection.ts'
import type { AggregateSummary } from './aggregate-reader.ts'
import type { AggregateWork } from './aggregate-worker.ts'
import { federationEntities } from './federation-model.ts'
import type { ImportOrder, ImportReport } from './import-messages.ts'

/** Deleted at once: a store holds others up for as long as one request takes. */
const deleteBatch = 500
/** Of what a process says before it dies, its end. */
const maxLastWords = 2000

export interface ImportOptions extends Omit<AggregateWork, 'slots'> {
  readonly federation: string
  readonly generation: string
  readonly onProgress?: (bytesRead: number) => void
  readonly signal?: AbortSignal
}

export interface ImportResult {
  readonly summary: AggregateSummary
  /** The most memory that the import's process had resident, in bytes. */
  readonly peakResident: number
}

/**
 * Verifies an aggregate and writes its entities under a generation that nobody uses yet, in a process
 * of its own. What was written of one that is refused in the end stays until removeGeneration().
 *
 * @throws {IdpError} METADATA_INVALID, METADATA_SIGNATURE_INVALID, METADATA_NOT_CURRENT
 */
export async function importAggregate(options: ImportOptions): Promise<ImportResult> {
  const { federation, generation, onProgress, signal, ...work } = options
  signal?.throwIfAborted()
  const child = fork(new URL('./import-process.ts', import.meta.url), {
    // Not the flags of this process: a server asks for a large heap, and a test runner for its own.
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      // MiB. What it reads it needs for a moment only.
      '--max-semi-space-size=8',
      '--max-old-space-size=192',
    ],
    env: childEnvironment(),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let lastWords = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-maxLastWords)
  })
  const gone = new Promise<void>((resolve) => child.once('close', resolve))
  let giveUp = () => {}
  try {
    return await new Promise<ImportResult>((resolve, reject) => {
      giveUp = () => reject(new Error('it is given up'))
      signal?.addEventListener('abort', giveUp, { once: true })
      child.once('error', reject)
      child.once('close', (code, killedBy) => {
        const how = killedBy ? `was ended by ${killedBy}` : `ended early with exit code ${code}`
        reject(
          new Error(`the process that reads the aggregate ${how}${lastWords && `: ${lastWords}`}`),
        )
      })
      child.on('message', (report: ImportReport) => {
        switch (report.kind) {
          case 'progress':
            return onProgress?.(report.bytesRead)
          case 'done':
            return resolve(report)
          case 'refused':
            return reject(new IdpError(report.code, report.message))
          case 'failed':
            return reject(new Error(report.message))
        }
      })
      const order: ImportOrder = { storeUri: connectedStoreUri(), federation, generation, work }
      child.send(order)
      giveWay(child.pid)
    })
  } finally {
    // A server's signal outlives hundreds of imports.
    signal?.removeEventListener('abort', giveUp)
    child.kill('SIGKILL')
    // It may still write while it lives; then its generation would not be all removed.
    if (child.pid !== undefined) await gone
  }
}

/** People who sign in come first. A system that knows no priorities does without. */
function giveWay(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {}
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
