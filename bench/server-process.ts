import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeFlags } from '../bin/node-flags.js'
import { freePortRange } from '../test/support/free-ports.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
/** USER_HZ: /proc counts CPU time in hundredths of a second on every Linux we know. */
const ticksPerSecond = 100

export interface ServerProcess {
  readonly baseUrl: string
  /** CPU seconds that the process used since it started, all threads, user and system. */
  cpuSeconds(): number
  /** Resident memory, MiB. */
  residentMiB(): number
  /** Runs `propylaia …` on the same store. Fails unless it ends well. */
  command(...arguments_: string[]): Promise<string>
  stop(): Promise<void>
}

/** Starts Propylaia as its own process on a free loopback port, with data of its own. Linux only. */
export async function startServerProcess(options: {
  environment: Record<string, string>
  /** Files for METADATA_DIR by name. */
  prepare: (metadataDir: string, baseUrl: string) => void
}): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-bench-'))
  // The demo's services take the three after it.
  const port = await freePortRange(4)
  const baseUrl = `http://127.0.0.1:${port}`
  const metadataDir = join(folder, 'metadata')
  mkdirSync(metadataDir)
  options.prepare(metadataDir, baseUrl)
  const program = [...nodeFlags, join(root, 'src/cli/cli.ts')]
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    BASE_URL: baseUrl,
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: metadataDir,
    LOG_LEVEL: 'error',
    ...options.environment,
  }
  const child = spawn(process.execPath, [...program, 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await readyLine(child)
  return {
    baseUrl,
    cpuSeconds: () => {
      // proc(5): the fields after the command's closing parenthesis; utime and stime are 14 and 15.
      const fields =
        readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    },
    residentMiB: () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) /
      1024,
    command: async (...arguments_) => {
      const { stdout } = await run(process.execPath, [...program, ...arguments_], { env })
      return stdout
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          rmSync(folder, { recursive: true, force: true })
          resolve()
        })
        child.kill('SIGTERM')
      }),
  }
}

function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
      if (output.includes('Ready in')) resolve()
    })
    child.once('exit', (code) =>
      reject(new Error(`the server stopped at start with code ${code}\n${output}`)),
    )
  })
}
