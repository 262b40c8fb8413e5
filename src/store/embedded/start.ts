import { Worker } from 'node:worker_threads'
import { readLocation, socketUri } from './location.ts'
import { StoreFormatError } from './storage/database.ts'
import type { WorkerData, WorkerMessage } from './worker.ts'

/** Another embedded server holds the data directory. */
export class StoreInUseError extends Error {
  override readonly name = 'StoreInUseError'
  readonly dataDir: string
  /** Of the process that holds it, when it has said so. */
  readonly pid: number | undefined

  constructor(dataDir: string, pid: number | undefined) {
    const who = pid === undefined ? 'another process' : `the process with pid ${pid}`
    super(
      `the data directory "${dataDir}" is in use by ${who}: stop it, or choose another DATA_DIR`,
    )
    this.dataDir = dataDir
    this.pid = pid
  }
}

export interface EmbeddedStore {
  uri: string
  socketPath: string
  close(): Promise<void>
}

/**
 * Starts the embedded server on a data directory, in a thread of its own.
 *
 * If the thread fails later, that is thrown here as an uncaught error: a web server without its
 * store must not live on.
 *
 * @throws {StoreInUseError} when another server holds the directory
 * @throws {StoreFormatError} when what is there is damaged or not ours
 */
export async function startEmbeddedServer(options: {
  dataDir: string
  /** How often TTL indexes are looked at; 60,000 when not given. */
  sweepIntervalMs?: number
}): Promise<EmbeddedStore> {
  const { dataDir } = options
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: options satisfies WorkerData,
    name: 'propylaia-store',
    // Not the flags of this process: those of a test runner or inspector are not the thread's.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const socketPath = await new Promise<string>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the embedded store ended before it was ready')))
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') {
        worker.off('error', reject)
        resolve(message.socketPath)
      } else if (message.kind === 'failed') {
        reject(startError(dataDir, message))
      } else if (message.kind === 'log') {
        console.error(`embedded store: ${message.message}\n${message.stack}`)
      }
    })
  })
  // The process may end while the store runs: what was answered is on the disk.
  worker.unref()
  return {
    uri: socketUri(socketPath),
    socketPath,
    async close() {
      worker.ref()
      worker.postMessage('close')
      await exited
    },
  }
}

function startError(dataDir: string, failure: { name: string; message: string }): Error {
  if (failure.name === 'StoreLockedError') {
    return new StoreInUseError(dataDir, readLocation(dataDir)?.pid)
  }
  if (failure.name === 'StoreFormatError') return new StoreFormatError(failure.message)
  return new Error(`the embedded store cannot start: ${failure.message}`)
}
