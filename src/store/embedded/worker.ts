/**
 * The thread the embedded server lives in: SQLite's work and its fsyncs do not hold up the web
 * server's event loop.
 */
import { parentPort, workerData } from 'node:worker_threads'
import {
  chooseSocketPath,
  readLocation,
  removeLocation,
  removeSocketDirectory,
  writeLocation,
} from './location.ts'
import { EmbeddedServer } from './server.ts'

export interface WorkerData {
  dataDir: string
  sweepIntervalMs?: number
}

/** What the thread says to whoever started it. */
export type WorkerMessage =
  | { kind: 'ready'; socketPath: string }
  | { kind: 'failed'; name: string; message: string }
  | { kind: 'log'; message: string; stack: string }
  | { kind: 'closed' }

const port = parentPort!
const { dataDir, sweepIntervalMs } = workerData as WorkerData

function say(message: WorkerMessage) {
  port.postMessage(message)
}

async function start() {
  const log = (message: string, error: unknown) =>
    say({
      kind: 'log',
      message,
      stack: error instanceof Error ? (error.stack ?? '') : String(error),
    })
  const socketPath = chooseSocketPath(dataDir)
  let server: EmbeddedServer
  try {
    server = new EmbeddedServer({
      dataDir,
      socketPath,
      log,
      ...(sweepIntervalMs && { sweepIntervalMs }),
    })
  } catch (error) {
    removeSocketDirectory(dataDir, socketPath)
    throw error
  }
  const before = readLocation(dataDir)
  if (before && before.socketPath !== socketPath) removeSocketDirectory(dataDir, before.socketPath)
  await server.listen()
  writeLocation(dataDir, { pid: process.pid, socketPath })
  port.on('message', async () => {
    await server.close(() => removeLocation(dataDir, socketPath))
    say({ kind: 'closed' })
    port.close()
  })
  say({ kind: 'ready', socketPath })
}

start().catch((error: Error) => {
  say({ kind: 'failed', name: error.name, message: error.message })
  port.close()
})
