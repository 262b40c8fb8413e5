import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLocation, socketUri } from '../../src/store/embedded/location.ts'
import { freePortRange } from './free-ports.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from './server-process.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Record<string, unknown>
}

export interface RegistryProcess {
  /** For ACADEMICID_URL. */
  readonly url: string
  readonly started: StartedProcess
  /** Runs `propylaia academicid …` on the registry's store. */
  run(...args: string[]): Promise<{ code: number; output: string }>
  addToken(name: string): Promise<string>
  /** Where its embedded store listens. */
  store(): { uri: string }
  /** A further server process on the same store. */
  another(): Promise<RegistryProcess>
  stop(): Promise<void>
}

/** `propylaia academicid serve` as a process of its own, with a store of its own. */
export async function startRegistryProcess(dataDir?: string): Promise<RegistryProcess> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'propylaia-registry-'))
  const port = await freePortRange(1)
  const environment = { DATA_DIR: folder, ACADEMICID_PORT: String(port), LOG_LEVEL: 'error' }
  const started = startPropylaia(['academicid', 'serve'], environment)
  await waitForOutput(started, 'Ready in')
  const run = async (...args: string[]) => {
    const command = startPropylaia(['academicid', ...args], environment)
    return { code: await command.exited, output: command.output() }
  }
  return {
    url: `http://127.0.0.1:${port}`,
    started,
    run,
    async addToken(name) {
      const { code, output } = await run('token', 'add', name, '--json')
      if (code !== 0) throw new Error(output)
      return JSON.parse(output).token
    },
    store() {
      const location = readLocation(folder)
      if (!location) throw new Error('the registry has no store yet')
      return { uri: socketUri(location.socketPath) }
    },
    another: () => startRegistryProcess(folder),
    async stop() {
      started.child.kill('SIGTERM')
      await started.exited
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One request as any HTTP program makes it. */
export async function ask(
  url: string,
  method: string,
  options: { token?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<HttpAnswer> {
  const { token, body, headers = {} } = options
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: text === '' ? {} : JSON.parse(text),
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** What stands in the registry's place, or before it. */
export type Trouble = 'none' | 'refused' | RequestListener

export interface RegistryGate {
  readonly url: string
  /** From the next connection on. */
  trouble(trouble: Trouble): void
  /** How many requests came. */
  requests(): number
  close(): Promise<void>
}

/** Stands before a registry and lets a test break what the identity provider sees of it. */
export async function startRegistryGate(targetUrl: string): Promise<RegistryGate> {
  let trouble: Trouble = 'none'
  let count = 0
  const target = new URL(targetUrl)
  const server = createServer((incoming, outgoing) => {
    count += 1
    if (typeof trouble === 'function') return void trouble(incoming, outgoing)
    const forwarded = httpRequest(
      {
        host: target.hostname,
        port: target.port,
        path: incoming.url,
        method: incoming.method,
        headers: incoming.headers,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  server.on('connection', (socket) => {
    if (trouble === 'refused') socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    trouble(next) {
      trouble = next
      server.closeAllConnections()
    },
    requests: () => count,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Opens a connection and sends these bytes; for requests that no HTTP client would make. */
export function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('end', () => resolve(answer))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
