import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { Engine, type Job } from './engine.ts'
import { maxMessageBytes, parseHeader } from './wire/message.ts'

export interface ServerOptions {
  dataDir: string
  socketPath: string
  log: (message: string, error: unknown) => void
  /** How often TTL indexes are looked at. */
  sweepIntervalMs?: number
}

/** Requests of one transaction: more would make the first of them wait too long. */
const maxBatch = 1000

/**
 * The embedded MongoDB server: accepts connections on a Unix socket and runs what has arrived in
 * one turn of the event loop together.
 */
export class EmbeddedServer {
  private readonly engine: Engine
  private readonly net: NetServer
  private readonly sockets = new Set<Socket>()
  private readonly options: ServerOptions
  private jobs: Job[] = []
  private isScheduled = false
  private isClosing = false
  private sweeper: NodeJS.Timeout | undefined

  /** @throws {StoreLockedError | StoreFormatError} before anything listens */
  constructor(options: ServerOptions) {
    this.options = options
    this.engine = new Engine(options.dataDir, () => this.sockets.size, options.log)
    this.net = createServer((socket) => this.accept(socket))
  }

  async listen() {
    // The lock on the database is ours, so a socket that is there was left by a killed server.
    rmSync(this.options.socketPath, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.net.once('error', reject)
      this.net.listen(this.options.socketPath, () => {
        this.net.off('error', reject)
        resolve()
      })
    })
    chmodSync(this.options.socketPath, 0o700)
    this.sweep()
  }

  private sweep() {
    let more = false
    try {
      more = this.engine.sweep()
    } catch (error) {
      this.options.log('TTL sweep failed', error)
    }
    if (this.isClosing) return
    // A big backlog goes in small transactions, with requests in between.
    const delay = more ? 1 : (this.options.sweepIntervalMs ?? 60_000)
    this.sweeper = setTimeout(() => this.sweep(), delay)
    this.sweeper.unref()
  }

  private accept(socket: Socket) {
    this.sockets.add(socket)
    const reader = new FrameReader()
    socket.on('data', (chunk) => {
      try {
        for (const bytes of reader.push(chunk as Buffer)) {
          parseHeader(bytes)
          this.enqueue({ bytes, answer: (reply) => this.send(socket, reply) })
        }
      } catch {
        // Not the protocol: nothing we could say would be understood.
        socket.destroy()
      }
    })
    // A client that went away is no concern of the server's.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('drain', () => socket.resume())
  }

  /** A client that does not read its answers is not read from either. */
  private send(socket: Socket, reply: Buffer) {
    if (socket.writable && !socket.write(reply)) socket.pause()
  }

  private enqueue(job: Job) {
    if (this.isClosing) return
    this.jobs.push(job)
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(() => this.runJobs())
  }

  private runJobs() {
    this.isScheduled = false
    const jobs = this.jobs.splice(0, maxBatch)
    if (this.jobs.length > 0) {
      this.isScheduled = true
      setImmediate(() => this.runJobs())
    }
    this.engine.run(jobs)
  }

  /**
   * Finishes what has arrived, removes the socket, checkpoints.
   *
   * @param cleanUp what else to remove while the lock is still ours: afterwards the next server
   *   may already have put its own there
   */
  async close(cleanUp: () => void = () => {}) {
    if (this.isClosing) return
    this.isClosing = true
    clearTimeout(this.sweeper)
    const closed = new Promise((resolve) => this.net.close(resolve))
    while (this.jobs.length > 0) this.runJobs()
    for (const socket of this.sockets) {
      socket.end()
      // A client that keeps its end open is not waited for.
      setTimeout(() => socket.destroy(), 500).unref()
    }
    await closed
    rmSync(this.options.socketPath, { force: true })
    cleanUp()
    this.engine.close()
  }
}

/** Cuts the byte stream into messages. */
class FrameReader {
  private chunks: Buffer[] = []
  private size = 0

  /** @throws {Error} when a length is not one of a message */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = []
    this.chunks.push(chunk)
    this.size += chunk.length
    while (this.size >= 4) {
      if (this.chunks[0]!.length < 4) this.chunks = [Buffer.concat(this.chunks)]
      const length = this.chunks[0]!.readInt32LE(0)
      if (length < 16 || length > maxMessageBytes) throw new Error(`message of ${length} bytes`)
      if (this.size < length) break
      const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)
      const rest = all.subarray(length)
      this.chunks = rest.length > 0 ? [rest] : []
      this.size = rest.length
      messages.push(all.subarray(0, length))
    }
    return messages
  }
}
